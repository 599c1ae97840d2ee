import type { ActionFunctionArgs, HeadersFunction, LoaderFunctionArgs } from "@remix-run/node";
import { useFetcher, useLoaderData, type ClientActionFunctionArgs } from "@remix-run/react";
import { Banner, BlockStack, Box, Card, Layout, Page, TextField } from "@shopify/polaris";
import { boundary } from "@shopify/shopify-app-remix/server";
import { useEffect, useState, type FormEvent } from "react";
import { Fact } from "../components/details.tsx";
import { RouteErrorBoundary } from "../components/error-boundary.tsx";
import { pageTitle } from "../components/page-title.ts";
import { useFormat, useNow, useWords } from "../components/localisation.tsx";
import { Name } from "../components/name.tsx";
import { SaveBar } from "../components/save-bar.tsx";
import { orElse } from "../components/submission.ts";
import { TitleBar } from "../components/title-bar.tsx";
import { toast } from "../components/toast.ts";
import { answering } from "../http/problems.server.ts";
import { merchant } from "../shopify/sign-in.server.ts";
import { wholeNumber } from "../whole-number.ts";
import { saveSettings } from "../settings/settings.server.ts";

export async function loader({ request, context }: LoaderFunctionArgs) {
  return answering({ request, context }, async () => {
    const { shop } = await merchant(request, context);
    const { pages } = context.services;
    const [details, settings] = await Promise.all([pages.getShop(shop), pages.getSettings(shop)]);
    return { shop, details: details.value, settings: settings.value };
  });
}

/** More than any stock. */
const largestThreshold = 1_000_000;

function readThreshold(text: string): number | null {
  const threshold = wholeNumber(text);
  return threshold !== null && threshold <= largestThreshold ? threshold : null;
}

interface SettingsAnswer {
  /** `kept`: on the server, waiting for the database. */
  readonly kind: "saved" | "kept" | "invalid" | "failed";
}

export async function action({ request, context }: ActionFunctionArgs): Promise<SettingsAnswer> {
  return answering({ request, context }, async () => {
    const { shop, user } = await merchant(request, context);
    const form = await request.formData();
    const entered = form.get("lowStockThreshold");
    const lowStockThreshold = typeof entered === "string" ? readThreshold(entered) : null;
    if (lowStockThreshold === null) return { kind: "invalid" };
    const { writes } = context.services;
    const state = await saveSettings(writes, shop, { lowStockThreshold }, user);
    return { kind: state === "done" ? "saved" : "kept" };
  });
}

export async function clientAction({ serverAction }: ClientActionFunctionArgs) {
  return orElse(serverAction<typeof action>, { kind: "failed" as const });
}

export default function Settings() {
  const { shop, details, settings } = useLoaderData<typeof loader>();
  const words = useWords();
  return (
    <Page title={words.pages.settings}>
      <TitleBar title={words.pages.settings} />
      <Layout>
        <Layout.AnnotatedSection
          title={words.settings.stock.title}
          description={words.settings.stock.what}
        >
          <StockSettings lowStockThreshold={settings.lowStockThreshold} />
        </Layout.AnnotatedSection>
        <Layout.AnnotatedSection
          title={words.settings.language.title}
          description={words.settings.language.what}
        >
          <Region currency={details?.currency ?? null} />
        </Layout.AnnotatedSection>
        <Layout.AnnotatedSection title={words.settings.shop.title}>
          <Shop
            shop={shop}
            name={details?.name ?? null}
            installedAt={details?.installedAt ?? null}
          />
        </Layout.AnnotatedSection>
      </Layout>
    </Page>
  );
}

function StockSettings({ lowStockThreshold }: { readonly lowStockThreshold: number }) {
  const words = useWords();
  const fetcher = useFetcher<typeof action>();
  const saved = String(lowStockThreshold);
  /** What somebody has typed; null while it is what was saved. */
  const [typed, setTyped] = useState<string | null>(null);
  const [tried, setTried] = useState(false);
  const busy = fetcher.state !== "idle";
  const answer = busy ? undefined : fetcher.data;
  const value = typed ?? saved;
  const changed = value.trim() !== saved;
  const wrong = readThreshold(value) === null;

  useEffect(() => {
    const kind = fetcher.data?.kind;
    if (kind !== "saved" && kind !== "kept") return;
    setTyped(null);
    setTried(false);
    toast(words.settings[kind]);
  }, [fetcher.data, words]);

  const save = () => {
    setTried(true);
    if (wrong || busy || !changed) return;
    fetcher.submit({ lowStockThreshold: value }, { method: "post", action: "/app/settings" });
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    save();
  };

  return (
    <Card>
      <form onSubmit={onSubmit} noValidate>
        <SaveBar
          open={changed}
          saving={busy}
          onSave={save}
          onDiscard={() => {
            setTyped(null);
            setTried(false);
          }}
        />
        <BlockStack gap="400">
          {answer?.kind === "failed" && (
            <div role="alert">
              <Banner tone="critical">
                <p>{words.settings.failed}</p>
              </Banner>
            </div>
          )}
          <Box maxWidth="20rem">
            <TextField
              label={words.settings.stock.threshold}
              helpText={words.settings.stock.thresholdHelp}
              type="integer"
              inputMode="numeric"
              min={0}
              value={value}
              onChange={setTyped}
              autoComplete="off"
              {...((tried && wrong) || answer?.kind === "invalid"
                ? { error: words.settings.stock.errors.threshold }
                : {})}
            />
          </Box>
        </BlockStack>
      </form>
    </Card>
  );
}

function Region({ currency }: { readonly currency: string | null }) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const { language } = words.settings;
  return (
    <Card>
      <BlockStack gap="200">
        <Fact name={language.language}>{language.english}</Fact>
        <Fact name={language.formats}>
          {[
            format.longDay(now),
            format.time(now),
            currency ? format.money({ amount: "1234.50", currency }) : format.number(1234.5),
          ].join(", ")}
        </Fact>
        <Fact name={language.timeZone}>{format.timeZone}</Fact>
        {currency && <Fact name={language.currency}>{currency}</Fact>}
      </BlockStack>
    </Card>
  );
}

function Shop({
  shop,
  name,
  installedAt,
}: {
  readonly shop: string;
  readonly name: string | null;
  readonly installedAt: Date | null;
}) {
  const words = useWords();
  const format = useFormat();
  return (
    <Card>
      <BlockStack gap="200">
        {name && (
          <Fact name={words.settings.shop.name}>
            <Name>{name}</Name>
          </Fact>
        )}
        <Fact name={words.settings.shop.address}>{shop}</Fact>
        {installedAt && (
          <Fact name={words.settings.shop.installed}>{format.longDay(installedAt)}</Fact>
        )}
      </BlockStack>
    </Card>
  );
}

export const meta = pageTitle((words) => words.pages.settings);

export function ErrorBoundary() {
  return <RouteErrorBoundary />;
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
