import type { HeadersFunction, LoaderFunctionArgs } from "@remix-run/node";
import { useLoaderData } from "@remix-run/react";
import { BlockStack, Button, InlineGrid, InlineStack, Link, Page, Text } from "@shopify/polaris";
import { boundary } from "@shopify/shopify-app-remix/server";
import { ChangeList } from "../components/change-list.tsx";
import { Section } from "../components/details.tsx";
import { RouteErrorBoundary } from "../components/error-boundary.tsx";
import { pageTitle } from "../components/page-title.ts";
import { ImportProgress, isImporting, isStillComing } from "../components/import-progress.tsx";
import { useFormat, useNow, useWords } from "../components/localisation.tsx";
import { Name } from "../components/name.tsx";
import { OrdersByDay } from "../components/orders-by-day.tsx";
import { Picture } from "../components/picture.tsx";
import { SourceBadge } from "../components/source-badge.tsx";
import { StatusLine } from "../components/status-line.tsx";
import { TitleBar } from "../components/title-bar.tsx";
import { answering } from "../http/problems.server.ts";
import { defaultInventoryQuery, inventorySearchParams } from "../inventory/inventory-query.ts";
import { defaultOrderQuery, orderSearchParams } from "../orders/order-query.ts";
import type { Overview } from "../overview/types.ts";
import { merchant } from "../shopify/sign-in.server.ts";

export async function loader({ request, context }: LoaderFunctionArgs) {
  return answering({ request, context }, async () => {
    const { shop } = await merchant(request, context);
    const { value, ...source } = await context.services.pages.getOverview(shop);
    return { overview: value, source };
  });
}

export default function OverviewPage() {
  const { overview, source } = useLoaderData<typeof loader>();
  const words = useWords();
  const importing = isImporting(overview.sync);
  return (
    <Page title={words.pages.overview} titleMetadata={<SourceBadge of={source} />}>
      <TitleBar title={words.pages.overview} />
      <BlockStack gap="400">
        {importing && <ImportProgress progress={overview.sync} />}
        <InlineGrid columns={{ xs: 1, md: 3 }} gap="400">
          <ToFulfil
            {...overview.toFulfil}
            onHold={overview.onHold}
            coming={isStillComing(overview.sync, "orders")}
          />
          <LowStock {...overview.lowStock} coming={isStillComing(overview.sync, "inventory")} />
          <Changes {...overview.changes} />
        </InlineGrid>
        {!isStillComing(overview.sync, "orders") && <OrdersByDay days={overview.ordersByDay} />}
        <StatusLine
          of={source}
          importing={importing}
          onTheWay={overview.changes.count - overview.changes.needYou}
          needYou={overview.changes.needYou}
        />
      </BlockStack>
    </Page>
  );
}

/** The overview tells of the gravest; the rest has a page. */
const listedChanges = 4;

const ordersToFulfil = (locationId: number | null) =>
  `/app/orders?${orderSearchParams({
    ...defaultOrderQuery,
    tab: "to-fulfil",
    locationId,
    // The oldest waits longest.
    descending: false,
  }).toString()}`;

const stockList = (stock: "low" | "out", search = "") =>
  `/app/inventory?${inventorySearchParams({ ...defaultInventoryQuery, stock, search }).toString()}`;

function BigNumber({
  children,
  known = true,
}: {
  readonly children: number;
  readonly known?: boolean;
}) {
  const format = useFormat();
  return (
    <Text as="p" variant="heading2xl" numeric>
      {known ? format.number(children) : "–"}
    </Text>
  );
}

function ToFulfil({
  count,
  oldestPlacedAt,
  byLocation,
  onHold,
  coming,
}: Overview["toFulfil"] & { readonly onHold: number; readonly coming: boolean }) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const { toFulfil } = words.overview;
  return (
    <Section title={toFulfil.title}>
      <BlockStack gap="300">
        <BigNumber known={count > 0 || !coming}>{count}</BigNumber>
        <Text as="p" tone="subdued">
          {oldestPlacedAt
            ? toFulfil.oldest(format.age(oldestPlacedAt, now))
            : coming
              ? words.overview.notYet.orders
              : toFulfil.none}
        </Text>
        {oldestPlacedAt && coming && (
          <Text as="p" tone="subdued">
            {words.overview.soFar}
          </Text>
        )}
        {byLocation.length > 1 && (
          <BlockStack gap="100">
            {byLocation.map(({ locationId, location, count: here }) => (
              <div className="ek-fact" key={locationId}>
                <Link url={ordersToFulfil(locationId)} monochrome>
                  <Name>{location}</Name>
                </Link>
                <Text as="span" numeric>
                  {format.number(here)}
                </Text>
              </div>
            ))}
          </BlockStack>
        )}
        {onHold > 0 && (
          <Link url="/app/orders?tab=on-hold" monochrome>
            {toFulfil.onHold(onHold)}
          </Link>
        )}
        {count > 0 && (
          <InlineStack>
            <Button url={ordersToFulfil(null)}>{toFulfil.action}</Button>
          </InlineStack>
        )}
      </BlockStack>
    </Section>
  );
}

/** Half of the stock says nothing: what lies at a location that is not imported yet would seem to be missing. */
function LowStock({ count, worst, coming }: Overview["lowStock"] & { readonly coming: boolean }) {
  const words = useWords();
  const { lowStock } = words.overview;
  return (
    <Section title={lowStock.title}>
      <BlockStack gap="300">
        <BigNumber known={!coming}>{count}</BigNumber>
        {coming || count === 0 ? (
          <Text as="p" tone="subdued">
            {coming ? words.overview.notYet.stock : lowStock.none}
          </Text>
        ) : (
          <>
            <ul className="ek-list">
              {worst.map((row) => (
                <li key={row.variantId}>
                  <div className="ek-identity">
                    <Picture url={row.imageUrl} />
                    <BlockStack>
                      <Link
                        url={stockList(row.available > 0 ? "low" : "out", row.sku || row.title)}
                        monochrome
                        removeUnderline
                      >
                        <span className="ek-two-lines">
                          <bdi>{[row.title, row.variantTitle].filter(Boolean).join(" · ")}</bdi>
                        </span>
                      </Link>
                      <Text as="span" tone={row.available > 0 ? "subdued" : "critical"}>
                        {row.available === 0 ? lowStock.out : lowStock.below(row.available)}
                      </Text>
                    </BlockStack>
                  </div>
                </li>
              ))}
            </ul>
            {count > worst.length && (
              <InlineStack>
                <Button url={stockList("low")}>{lowStock.action(count)}</Button>
              </InlineStack>
            )}
          </>
        )}
      </BlockStack>
    </Section>
  );
}

function Changes({ count, needYou, list }: Overview["changes"]) {
  const words = useWords();
  const { changes } = words.overview;
  return (
    <Section title={changes.title}>
      <BlockStack gap="300">
        <BigNumber>{count}</BigNumber>
        <Text as="p" tone="subdued">
          {needYou > 0
            ? changes.needYou(needYou)
            : count > 0
              ? changes.onTheWay(count)
              : changes.none}
        </Text>
        {list.length > 0 && <ChangeList changes={list.slice(0, listedChanges)} />}
        {count > 0 && (
          <InlineStack>
            <Button url="/app/resilience">{changes.action}</Button>
          </InlineStack>
        )}
      </BlockStack>
    </Section>
  );
}

export const meta = pageTitle((words) => words.pages.overview);

export function ErrorBoundary() {
  return <RouteErrorBoundary />;
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
