import type { ActionFunctionArgs, HeadersFunction, LoaderFunctionArgs } from "@remix-run/node";
import { useLoaderData, useNavigate, type ClientActionFunctionArgs } from "@remix-run/react";
import { BlockStack, Button, Card, Layout, Page } from "@shopify/polaris";
import { boundary } from "@shopify/shopify-app-remix/server";
import { useState, type FormEvent } from "react";
import { RouteErrorBoundary } from "../components/error-boundary.tsx";
import { useListAddressBefore } from "../components/list-memory.ts";
import { useFormat, useWords } from "../components/localisation.tsx";
import { pageTitle } from "../components/page-title.ts";
import { SaveBar } from "../components/save-bar.tsx";
import { SourceBadge } from "../components/source-badge.tsx";
import { answerForm, useSubmission } from "../components/submission.ts";
import { SubmissionProblem } from "../components/submission-problem.tsx";
import { TakeCustomer } from "../components/take-customer.tsx";
import { TakePayment } from "../components/take-payment.tsx";
import { TakeProducts } from "../components/take-products.tsx";
import { TitleBar } from "../components/title-bar.tsx";
import { toast } from "../components/toast.ts";
import { submitChange } from "../http/changes.server.ts";
import { answering } from "../http/problems.server.ts";
import {
  countable,
  emptyEntries,
  isDirty,
  readTake,
  type TakeEntries,
} from "../orders/take-form.ts";
import { takenNumber } from "../orders/taken-number.ts";
import { takenTotals } from "../orders/taken-totals.ts";
import { merchant } from "../shopify/sign-in.server.ts";

export async function loader({ request, context }: LoaderFunctionArgs) {
  return answering({ request, context }, async () => {
    const { shop } = await merchant(request, context);
    const { pages } = context.services;
    const [details, catalogue] = await Promise.all([pages.getShop(shop), pages.catalogue(shop)]);
    const { asOf, source } = catalogue;
    // ISO 4217: no currency. Only until the first import has read the shop.
    return { currency: details.value?.currency ?? "XXX", catalogue: { asOf, source } };
  });
}

export async function action({ request, context }: ActionFunctionArgs) {
  return submitChange({ request, context }, ["order.take"]);
}

export function clientAction({ request, serverAction }: ClientActionFunctionArgs) {
  return answerForm(request, serverAction<typeof action>);
}

export default function NewOrder() {
  const { currency, catalogue } = useLoaderData<typeof loader>();
  const words = useWords();
  const format = useFormat();
  const navigate = useNavigate();
  const back = useListAddressBefore("orders");
  const [id, setId] = useState(() => crypto.randomUUID());
  const [entries, setEntries] = useState<TakeEntries>(emptyEntries);
  const [taken, setTaken] = useState(false);
  const submission = useSubmission("/app/orders/new", ({ ring }) => {
    const number = takenNumber(id);
    setTaken(true);
    toast((ring === "server" ? words.taking.kept : words.taking.accepted)(number));
    void navigate(`/app/orders/taken/${id}`);
  });

  const set = (some: Partial<TakeEntries>) => setEntries((before) => ({ ...before, ...some }));
  const input = readTake(id, currency, entries, format.country);
  const { answer } = submission;
  const problems = answer?.kind === "invalid" ? answer.problems : [];
  const errorOf = (field: string) => problems.find((problem) => problem.field === field)?.message;

  const send = (event?: FormEvent) => {
    event?.preventDefault();
    if (!submission.busy) submission.submit("order.take", input, takenNumber(id));
  };
  const discard = () => {
    setEntries(emptyEntries);
    setId(crypto.randomUUID());
  };

  return (
    <Page
      backAction={{ content: words.pages.orders, url: back }}
      title={words.taking.title}
      titleMetadata={<SourceBadge of={catalogue} />}
    >
      <TitleBar title={words.taking.title} />
      <SaveBar
        open={isDirty(entries) && !taken}
        saving={submission.busy}
        onSave={() => send()}
        onDiscard={discard}
      />
      <form onSubmit={send} noValidate aria-label={words.taking.form}>
        <Layout>
          <Layout.Section>
            <BlockStack gap="400">
              <TakeProducts
                lines={entries.lines}
                currency={currency}
                onChange={(lines) => set({ lines })}
                errorOf={errorOf}
              />
              <TakePayment
                entries={entries}
                currency={currency}
                totals={takenTotals(countable(input))}
                onChange={set}
                errorOf={errorOf}
              />
            </BlockStack>
          </Layout.Section>
          <Layout.Section variant="oneThird">
            <BlockStack gap="400">
              <TakeCustomer entries={entries} onChange={set} errorOf={errorOf} />
              <Card>
                <BlockStack gap="400">
                  <SubmissionProblem answer={answer} />
                  <Button submit variant="primary" fullWidth loading={submission.busy}>
                    {words.taking.submit}
                  </Button>
                </BlockStack>
              </Card>
            </BlockStack>
          </Layout.Section>
        </Layout>
      </form>
    </Page>
  );
}

export const meta = pageTitle((words) => words.taking.title);

export function ErrorBoundary() {
  return <RouteErrorBoundary />;
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
