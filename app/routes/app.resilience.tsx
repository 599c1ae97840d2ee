import type { ActionFunctionArgs, HeadersFunction, LoaderFunctionArgs } from "@remix-run/node";
import { useLoaderData, useSearchParams, type ClientActionFunctionArgs } from "@remix-run/react";
import {
  Badge,
  BlockStack,
  Box,
  Button,
  Card,
  InlineStack,
  Page,
  Tabs,
  Text,
} from "@shopify/polaris";
import { boundary } from "@shopify/shopify-app-remix/server";
import type { ReactNode } from "react";
import type { Choice } from "../commands/overrides.ts";
import { commandKinds, type ChangeFilter } from "../commands/types.ts";
import { ChangeSelection } from "../components/change-selection.tsx";
import type { DecisionAnswer } from "../components/decisions.ts";
import { RouteErrorBoundary } from "../components/error-boundary.tsx";
import { pageTitle } from "../components/page-title.ts";
import { useListAddress } from "../components/list-address.ts";
import { useFormat, useNow, useWords } from "../components/localisation.tsx";
import { ModeSwitches, type ModeAnswer } from "../components/modes.tsx";
import { oldest, SourceBadge } from "../components/source-badge.tsx";
import { answerForm, orElse, type ChangeAnswer } from "../components/submission.ts";
import { TitleBar } from "../components/title-bar.tsx";
import { DatabaseError } from "../database/errors.ts";
import { submitChange } from "../http/changes.server.ts";
import { decideChanges } from "../http/decisions.server.ts";
import { switchMode } from "../http/modes.server.ts";
import { answering } from "../http/problems.server.ts";
import { readChoice } from "../list-query.ts";
import { merchant } from "../shopify/sign-in.server.ts";
import { listSyncRuns } from "../sync/history.server.ts";
import type { SyncProgress } from "../sync/types.ts";
import { listDeliveries, type DeliveryPage } from "../webhooks/deliveries.server.ts";

const changeTabs = ["pending", "needs-you", "settled"] as const satisfies readonly ChangeFilter[];
const deliveryTabs = ["all", "received", "dead"] as const;

export async function loader({ request, context }: LoaderFunctionArgs) {
  return answering({ request, context }, async () => {
    const { shop, user, admin } = await merchant(request, context);
    const { cluster, pages } = context.services;
    const { searchParams } = new URL(request.url);
    const changeTab = readChoice(searchParams, "changes", changeTabs, "pending");
    const deliveryTab = readChoice(searchParams, "messages", deliveryTabs, "all");
    const after = searchParams.get("after");
    const [changes, counts, settings] = await Promise.all([
      unlessAway(pages.listChanges(shop, changeTab)),
      unlessAway(pages.countUnsettled(shop)),
      unlessAway(pages.getSettings(shop)),
    ]);
    const lists = await unlessAway(
      Promise.all([
        listDeliveries(cluster, shop, { state: deliveryTab === "all" ? null : deliveryTab, after }),
        listDeliveries(cluster, shop),
        listSyncRuns(cluster, shop),
      ]),
    );
    const [deliveries, newest, runs] = lists ?? [];
    const { state, since, latencyMs } = cluster.state;
    return {
      changeTab,
      deliveryTab,
      changes,
      counts: counts?.value ?? null,
      modes: settings && {
        readOnly: settings.value.readOnly,
        shopifyAway: settings.value.shopifyAway,
      },
      user,
      deliveries: deliveries ?? null,
      runs: runs ?? null,
      database: { up: state === "up", since, latencyMs },
      shopify: {
        up: admin === "ready",
        lastHeardAt: newest?.value.deliveries[0]?.receivedAt ?? null,
      },
    };
  });
}

/** What a person decides about changes, or about the whole app, and changes that are asked for with other entries. */
export async function action({ request, context }: ActionFunctionArgs) {
  return answering({ request, context }, async () => {
    const signedIn = await merchant(request, context);
    const body: unknown = await request
      .clone()
      .json()
      .catch(() => null);
    if (isModeSwitch(body)) return switchMode(context.services, signedIn, body);
    return isDecision(body)
      ? decideChanges(context.services.commands, signedIn, body)
      : submitChange({ request, context }, commandKinds);
  });
}

/** A decision that did not get through is said in a toast, and a form's answer in the form; the list stays. */
export async function clientAction({ request, serverAction }: ClientActionFunctionArgs) {
  const body: unknown = await request.clone().json();
  if (isModeSwitch(body)) {
    return orElse(serverAction<ModeAnswer>, { kind: "failed" as const });
  }
  return isDecision(body)
    ? orElse(serverAction<DecisionAnswer>, { kind: "failed" as const, choice: body.choice })
    : answerForm(request, serverAction<ChangeAnswer>);
}

function isDecision(body: unknown): body is { readonly choice: Choice } {
  return typeof body === "object" && body !== null && "choice" in body;
}

function isModeSwitch(body: unknown): boolean {
  return typeof body === "object" && body !== null && "mode" in body;
}

/** What was read, or null while the database cannot be reached: of all pages this one must open then. */
async function unlessAway<T>(reading: Promise<T>): Promise<T | null> {
  return reading.catch((error: unknown) => {
    if (error instanceof DatabaseError && error.kind !== "permanent") return null;
    throw error;
  });
}

export default function Resilience() {
  const { changeTab, deliveryTab, changes, counts, modes, user, ...rest } =
    useLoaderData<typeof loader>();
  const { deliveries, runs, database, shopify } = rest;
  const words = useWords();
  const { resilience } = words;
  return (
    <Page
      title={words.pages.resilience}
      subtitle={resilience.intro}
      {...(changes
        ? {
            titleMetadata: (
              <SourceBadge of={deliveries && runs ? oldest(changes, deliveries, runs) : changes} />
            ),
          }
        : {})}
    >
      <TitleBar title={words.pages.resilience} />
      <BlockStack gap="400">
        <Dependencies
          database={database}
          shopify={shopify}
          forcedAway={modes?.shopifyAway?.on === true}
        />
        <Block id="changes" title={resilience.changes.title}>
          <Tabbed
            name="changes"
            tabs={changeTabs.map((id) => ({
              id,
              content: resilience.changes.tabCount(
                resilience.changes.tabs[id],
                id === "settled" ? 0 : (counts?.[id] ?? 0),
              ),
            }))}
            selected={changeTabs.indexOf(changeTab)}
          >
            {!changes ? (
              <Nothing>{resilience.unknown}</Nothing>
            ) : changes.value.length > 0 ? (
              <ChangeSelection key={changeTab} changes={changes.value} listId="changes" />
            ) : (
              <Nothing>{resilience.changes.none[changeTab]}</Nothing>
            )}
          </Tabbed>
        </Block>
        <Block id="by-hand" title={resilience.modes.title} what={resilience.modes.what}>
          <Box padding="400" paddingBlockStart="0">
            {modes ? (
              <ModeSwitches modes={modes} viewer={user} />
            ) : (
              <Nothing>{resilience.unknown}</Nothing>
            )}
          </Box>
        </Block>
        <Block title={resilience.webhooks.title} what={resilience.webhooks.what}>
          {deliveries ? (
            <Deliveries page={deliveries.value} tab={deliveryTab} />
          ) : (
            <Box padding="400">
              <Nothing>{resilience.unknown}</Nothing>
            </Box>
          )}
        </Block>
        <Block title={resilience.runs.title} what={resilience.runs.what}>
          <Box padding="400" paddingBlockStart="0">
            {!runs ? (
              <Nothing>{resilience.unknown}</Nothing>
            ) : runs.value.length > 0 ? (
              <ul className="ek-list ek-divided">
                {runs.value.map((run) => (
                  <Run key={run.id} run={run} />
                ))}
              </ul>
            ) : (
              <Nothing>{resilience.runs.none}</Nothing>
            )}
          </Box>
        </Block>
      </BlockStack>
    </Page>
  );
}

/** A card whose content draws its own inner edges. */
function Block({
  id,
  title,
  what,
  children,
}: {
  readonly id?: string;
  readonly title: string;
  readonly what?: string;
  readonly children: ReactNode;
}) {
  return (
    <Card padding="0">
      <Box padding="400" paddingBlockEnd="200">
        <BlockStack gap="100">
          <div className="ek-focus" tabIndex={-1} {...(id ? { id } : {})}>
            <Text as="h2" variant="headingSm">
              {title}
            </Text>
          </div>
          {what && (
            <Text as="p" tone="subdued">
              {what}
            </Text>
          )}
        </BlockStack>
      </Box>
      {children}
    </Card>
  );
}

function Nothing({ children }: { readonly children: string }) {
  return (
    <Text as="p" tone="subdued">
      {children}
    </Text>
  );
}

/** Tabs whose choice stands in the address, so that it survives a reload and can be kept. */
function Tabbed({
  name,
  tabs,
  selected,
  children,
}: {
  readonly name: "changes" | "messages";
  readonly tabs: readonly { readonly id: string; readonly content: string }[];
  readonly selected: number;
  readonly children: ReactNode;
}) {
  const [params] = useSearchParams();
  const { go } = useListAddress();
  return (
    <div className="ek-tabs">
      <Tabs
        tabs={tabs.map(({ id, content }) => ({ id: `${name}-${id}`, content }))}
        selected={selected}
        onSelect={(index) => {
          const next = new URLSearchParams();
          for (const other of ["changes", "messages"]) {
            const value = params.get(other);
            if (value && other !== name) next.set(other, value);
          }
          const chosen = tabs[index];
          if (chosen && index > 0) next.set(name, chosen.id);
          void go(next, { replace: true });
        }}
      >
        <Box padding="400" paddingBlockStart="200">
          {children}
        </Box>
      </Tabs>
    </div>
  );
}

interface DependenciesProps {
  readonly database: {
    readonly up: boolean;
    readonly since: Date;
    readonly latencyMs: number | null;
  };
  readonly shopify: { readonly up: boolean; readonly lastHeardAt: Date | null };
  /** Somebody has said that Shopify is to be taken for away. */
  readonly forcedAway: boolean;
}

function Dependencies({ database, shopify, forcedAway }: DependenciesProps) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const { dependencies } = words.resilience;
  const facts = (...texts: (string | null)[]) => texts.filter(Boolean).join(" · ");
  return (
    <Block title={dependencies.title}>
      <Box padding="400" paddingBlockStart="100">
        <ul className="ek-list ek-divided">
          <Dependency
            name={dependencies.database}
            what={dependencies.databaseWhat}
            up={database.up}
            facts={facts(
              dependencies.since(format.moment(database.since, now)),
              database.latencyMs === null
                ? null
                : dependencies.latency(format.number(Math.max(1, Math.round(database.latencyMs)))),
            )}
          />
          <Dependency
            name={dependencies.shopify}
            what={dependencies.shopifyWhat}
            up={shopify.up}
            {...(forcedAway ? { forced: dependencies.forced } : {})}
            facts={
              shopify.lastHeardAt
                ? dependencies.lastHeard(format.age(shopify.lastHeardAt, now))
                : dependencies.neverHeard
            }
          />
        </ul>
      </Box>
    </Block>
  );
}

function Dependency({
  name,
  what,
  up,
  forced,
  facts,
}: {
  readonly name: string;
  readonly what: string;
  readonly up: boolean;
  /** What somebody has forced upon it, whatever it does. */
  readonly forced?: string;
  readonly facts: string;
}) {
  const words = useWords();
  const { dependencies } = words.resilience;
  return (
    <li className="ek-row">
      <BlockStack>
        <Text as="span" fontWeight="medium">
          {name}
        </Text>
        <Text as="span" tone="subdued">
          {what}
        </Text>
        <Text as="span" tone="subdued" variant="bodySm">
          {facts}
        </Text>
      </BlockStack>
      {forced ? (
        <Badge tone="warning">{forced}</Badge>
      ) : (
        <Badge tone={up ? "success" : "critical"}>{up ? dependencies.up : dependencies.down}</Badge>
      )}
    </li>
  );
}

const deliveryLooks = {
  received: { tone: "info" },
  applied: { tone: "success" },
  ignored: {},
  dead: { tone: "warning" },
} as const;

function Deliveries({
  page,
  tab,
}: {
  readonly page: DeliveryPage;
  readonly tab: (typeof deliveryTabs)[number];
}) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const [params] = useSearchParams();
  const { addressOf } = useListAddress();
  const { webhooks } = words.resilience;

  const tabs = deliveryTabs.map((id) => ({ id, content: webhooks.tabs[id] }));
  const next = new URLSearchParams();
  for (const name of ["changes", "messages"]) {
    const value = params.get(name);
    if (value) next.set(name, value);
  }
  if (page.nextCursor) next.set("after", page.nextCursor);

  return (
    <Tabbed name="messages" tabs={tabs} selected={deliveryTabs.indexOf(tab)}>
      {page.deliveries.length === 0 ? (
        <Nothing>{tab === "all" ? webhooks.none : webhooks.noneInState}</Nothing>
      ) : (
        <BlockStack gap="400">
          <ul className="ek-list ek-divided">
            {page.deliveries.map((delivery) => (
              <li className="ek-row" key={delivery.id}>
                <BlockStack>
                  <Text as="span" breakWord>
                    {webhooks.topics[delivery.topic] ?? delivery.topic}
                  </Text>
                  <Text as="span" tone="subdued" variant="bodySm">
                    <time
                      dateTime={delivery.receivedAt.toISOString()}
                      title={format.exact(delivery.receivedAt)}
                    >
                      {format.moment(delivery.receivedAt, now)}
                    </time>
                    {delivery.attempts > 1 ? ` · ${words.count.tries(delivery.attempts)}` : ""}
                  </Text>
                </BlockStack>
                <Badge {...deliveryLooks[delivery.state]}>{webhooks.states[delivery.state]}</Badge>
              </li>
            ))}
          </ul>
          {(page.nextCursor || params.get("after")) && (
            <InlineStack gap="200">
              {params.get("after") && (
                <Button url={addressOf(firstPage(next))}>{webhooks.newest}</Button>
              )}
              {page.nextCursor && <Button url={addressOf(next)}>{webhooks.older}</Button>}
            </InlineStack>
          )}
        </BlockStack>
      )}
    </Tabbed>
  );
}

function firstPage(params: URLSearchParams): URLSearchParams {
  const first = new URLSearchParams(params);
  first.delete("after");
  return first;
}

const runLooks = {
  running: { tone: "info", progress: "partiallyComplete" },
  done: { tone: "success", progress: "complete" },
  failed: { tone: "warning", progress: "incomplete" },
} as const;

function Run({ run }: { readonly run: SyncProgress }) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const { runs } = words.resilience;
  const tookMs = run.finishedAt ? run.finishedAt.getTime() - run.startedAt.getTime() : null;
  return (
    <li className="ek-row">
      <BlockStack>
        <Text as="span">{runs.kinds[run.kind]}</Text>
        <Text as="span" tone="subdued" variant="bodySm">
          {[
            format.moment(run.startedAt, now),
            tookMs === null ? null : runs.took(format.duration(tookMs)),
            ...run.phases
              .filter(({ done }) => done > 0)
              .map(({ name, done }) => runs.read[name](done)),
          ]
            .filter(Boolean)
            .join(" · ")}
        </Text>
        {run.error && <Text as="span">{run.error}</Text>}
      </BlockStack>
      <Badge {...runLooks[run.state]}>{runs.states[run.state]}</Badge>
    </li>
  );
}

export const meta = pageTitle((words) => words.pages.resilience);

export function ErrorBoundary() {
  return <RouteErrorBoundary />;
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
