import type { ActionFunctionArgs, HeadersFunction, LoaderFunctionArgs } from "@remix-run/node";
import {
  useFetcher,
  useLoaderData,
  useNavigate,
  useSearchParams,
  type ClientActionFunctionArgs,
} from "@remix-run/react";
import { Box, Card, IndexTable, Page, useIndexResourceState } from "@shopify/polaris";
import { OrderIcon, PrintIcon } from "@shopify/polaris-icons";
import { boundary } from "@shopify/shopify-app-remix/server";
import { useEffect } from "react";
import { z } from "zod";
import { bulkActions, MOST_ORDERS } from "../commands/bulk.ts";
import { submitBulk } from "../commands/bulk.server.ts";
import {
  BulkDialog,
  BulkNotices,
  useBulkOrders,
  type BulkReply,
} from "../components/bulk-orders.tsx";
import { DateFilter, lastDay } from "../components/date-filter.tsx";
import { RouteErrorBoundary } from "../components/error-boundary.tsx";
import { pageTitle } from "../components/page-title.ts";
import { choiceFilter, choicePill } from "../components/filter-choices.tsx";
import { ImportNotice, isStillComing } from "../components/import-progress.tsx";
import { useListAddress } from "../components/list-address.ts";
import { ListFilters } from "../components/list-filters.tsx";
import { useRememberList } from "../components/list-memory.ts";
import { ListMessage, NoResults } from "../components/list-states.tsx";
import { useFormat, useNow, usePhone, useWords } from "../components/localisation.tsx";
import { OrderListRow, OrderRow } from "../components/order-rows.tsx";
import { pagination } from "../components/pagination.ts";
import { oldest, SourceBadge } from "../components/source-badge.tsx";
import { orElse } from "../components/submission.ts";
import { TakenOrders } from "../components/taken-orders.tsx";
import { TextFilter } from "../components/text-filter.tsx";
import { TitleBar } from "../components/title-bar.tsx";
import { toast } from "../components/toast.ts";
import { answering } from "../http/problems.server.ts";
import {
  defaultOrderQuery,
  firstOrderPage,
  isFiltered,
  orderSearchParams,
  parseOrderQuery,
} from "../orders/order-query.ts";
import {
  fulfillmentStatuses,
  holdReasons,
  orderTabs,
  paymentStatuses,
  type FulfillmentStatus,
  type OrderQuery,
  type OrderSort,
  type PaymentStatus,
} from "../orders/types.ts";
import { merchant } from "../shopify/sign-in.server.ts";
import { deleteView, saveView } from "../views/saved-views.server.ts";
import { calendarDay, startOfDay } from "../words/calendar.ts";

/** Column headings that sort, by their place in the table. */
const sortedColumns: readonly (OrderSort | null)[] = [null, "placed", "customer", "total"];

export async function loader({ request, context }: LoaderFunctionArgs) {
  return answering({ request, context }, async () => {
    const { shop } = await merchant(request, context);
    const { pages } = context.services;
    const query = parseOrderQuery(new URL(request.url).searchParams);
    const [orders, locations, views, progress, bulks] = await Promise.all([
      pages.listOrders(shop, query),
      pages.listLocations(shop),
      pages.listSavedViews(shop, "orders"),
      pages.syncProgress(shop),
      pages.bulksUnderWay(shop),
    ]);
    // Those that are none of Shopify's orders yet; a list of their own, since nothing there can be filtered by.
    const taken = query.tab === "taken-here" ? (await pages.listTaken(shop)).value : [];
    return {
      query,
      orders,
      locations,
      taken,
      views: views.value,
      progress: progress.value,
      bulks: bulks.value,
    };
  });
}

const savedView = z.discriminatedUnion("intent", [
  z.object({
    intent: z.literal("save"),
    id: z.uuid(),
    name: z.string().trim().min(1).max(40),
    query: z.string().max(2000),
  }),
  z.object({ intent: z.literal("delete"), id: z.uuid(), name: z.string().max(40) }),
]);
type ViewRequest = z.infer<typeof savedView>;

const bulkRequest = z.object({
  intent: z.literal("bulk"),
  bulkId: z.uuid(),
  action: z.enum(bulkActions),
  orderIds: z.array(z.number().int().positive()).min(1).max(MOST_ORDERS),
  notifyCustomer: z.boolean().optional(),
  tags: z.array(z.string()).optional(),
  reason: z.enum(holdReasons).optional(),
});

/** Saves and deletes views of the list, and asks for the same of many orders. */
export async function action({ request, context }: ActionFunctionArgs) {
  return answering({ request, context }, async () => {
    const { shop, user } = await merchant(request, context);
    const { writes } = context.services;
    const body: unknown = await request.json().catch(() => null);
    const bulk = bulkRequest.safeParse(body);
    if (bulk.success) {
      const answer = await submitBulk(context.services, shop, bulk.data, user);
      return { kind: "bulk" as const, ...answer };
    }
    const asked = savedView.safeParse(body);
    if (!asked.success) return { ok: false as const, intent: "save" as const };
    const view = asked.data;
    if (view.intent === "save") {
      // What an address may hold is decided in one place: a view is an address under a name.
      const query = parseOrderQuery(new URLSearchParams(view.query));
      await saveView(writes, shop, {
        id: view.id,
        page: "orders",
        name: view.name,
        query: orderSearchParams(firstOrderPage(query)).toString(),
      });
    } else {
      await deleteView(writes, shop, view.id);
    }
    return { ok: true as const, intent: view.intent, id: view.id, name: view.name };
  });
}

/** What could not be done is said in a toast; the list stays. */
export async function clientAction({ request, serverAction }: ClientActionFunctionArgs) {
  const { intent } = (await request.clone().json()) as ViewRequest | { readonly intent: "bulk" };
  return intent === "bulk"
    ? orElse(serverAction<BulkReply>, { kind: "bulk-failed" as const })
    : orElse(serverAction<ViewAnswer>, { ok: false as const, intent });
}

type ViewAnswer = Exclude<Awaited<ReturnType<typeof action>>, { readonly kind: "bulk" }>;

export default function Orders() {
  const { query, orders, locations, taken, views, progress, bulks } =
    useLoaderData<typeof loader>();
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const phone = usePhone();
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const { addressOf, go, loading } = useListAddress();
  const saving = useViews();
  useRememberList("orders");

  const { value: page } = orders;
  const rows = page.orders;
  const view = views.find(({ id }) => id === params.get("view"));
  const base: OrderQuery = view
    ? parseOrderQuery(new URLSearchParams(view.query))
    : { ...defaultOrderQuery, tab: query.tab };
  const changed = differs(query, base);

  const paramsOf = (next: OrderQuery, viewId = view?.id) => {
    const address = orderSearchParams(next);
    if (viewId) address.set("view", viewId);
    return address;
  };
  const change = (part: Partial<OrderQuery>) =>
    void go(paramsOf(firstOrderPage({ ...query, ...part })));
  const clear = () => void go(paramsOf(base));

  const selection = useIndexResourceState(rows.map(({ id }) => ({ id: String(id) })));
  const { clearSelection } = selection;
  const bulk = useBulkOrders(clearSelection);
  const address = params.toString();
  // What is selected is what is in sight: another page or search starts without a selection.
  useEffect(() => clearSelection(), [address, clearSelection]);
  const selected = rows.filter(({ id }) => selection.selectedResources.includes(String(id)));

  const tabs = [
    ...orderTabs.map((tab) => ({ id: tab, content: words.orders.tabs[tab], isLocked: true })),
    ...views.map(({ id, name }) => ({
      id,
      content: name,
      actions: [
        {
          type: "delete" as const,
          onPrimaryAction: () => {
            saving.ask({ intent: "delete", id, name });
            void go(new URLSearchParams());
            return Promise.resolve(true);
          },
        },
      ],
    })),
  ];
  const selectedTab = view ? orderTabs.length + views.indexOf(view) : orderTabs.indexOf(query.tab);

  const choices = [
    {
      key: "payment",
      label: words.orders.filters.payment,
      choices: paymentStatuses.map((value) => ({ value, label: words.payment[value] })),
      chosen: query.paymentStatuses,
      multiple: true,
      onChoose: (chosen: string[]) => change({ paymentStatuses: chosen as PaymentStatus[] }),
    },
    {
      key: "fulfillment",
      label: words.orders.filters.fulfillment,
      choices: fulfillmentStatuses.map((value) => ({ value, label: words.fulfillment[value] })),
      chosen: query.fulfillmentStatuses,
      multiple: true,
      onChoose: (chosen: string[]) =>
        change({ fulfillmentStatuses: chosen as FulfillmentStatus[] }),
    },
    {
      key: "location",
      label: words.orders.filters.location,
      choices: locations.value.map(({ id, name }) => ({ value: String(id), label: name })),
      chosen: query.locationId === null ? [] : [String(query.locationId)],
      unknown: words.orders.filters.unknownLocation,
      onChoose: ([chosen]: string[]) => change({ locationId: chosen ? Number(chosen) : null }),
    },
  ];
  const filters = [
    ...choices.flatMap(choiceFilter),
    {
      key: "date",
      label: words.orders.filters.date,
      pinned: true,
      filter: (
        <DateFilter
          after={query.placedAfter}
          before={query.placedBefore}
          onChange={(placedAfter, placedBefore) => change({ placedAfter, placedBefore })}
        />
      ),
    },
    {
      key: "tag",
      label: words.orders.filters.tag,
      filter: (
        <TextFilter
          label={words.orders.filters.tag}
          help={words.orders.filters.tagHelp}
          value={query.tag}
          onChange={(tag) => change({ tag })}
        />
      ),
    },
  ];
  const placed = datePill(query);
  const applied = [
    ...choices.flatMap(choicePill),
    ...(placed
      ? [
          {
            key: "date",
            label: placed,
            onRemove: () => change({ placedAfter: null, placedBefore: null }),
          },
        ]
      : []),
    ...(query.tag
      ? [
          {
            key: "tag",
            label: words.orders.filters.tagged(query.tag),
            onRemove: () => change({ tag: null }),
          },
        ]
      : []),
  ];

  function datePill({ placedAfter, placedBefore }: OrderQuery): string | null {
    const day = (text: string) => {
      const start = startOfDay(text, format.timeZone);
      return start ? format.day(start, now) : text;
    };
    const from = placedAfter && day(calendarDay(placedAfter, format.timeZone));
    const until = placedBefore && day(lastDay(placedBefore, format.timeZone));
    if (from && until) return words.orders.filters.placedBetween(from, until);
    if (from) return words.orders.filters.placedSince(from);
    return until ? words.orders.filters.placedUntil(until) : null;
  }

  const { columns } = words.orders;
  const sortedColumn = sortedColumns.indexOf(query.sort);
  const [emptyTitle, emptyWhat] =
    query.tab === "all"
      ? [words.orders.empty.title, words.orders.empty.what]
      : words.orders.emptyTab[query.tab];
  const empty = isFiltered(query) ? (
    <NoResults
      words={words.orders.noResults}
      searched={query.search}
      filtered={isFiltered({ ...query, search: "" })}
      onClear={() => void go(paramsOf({ ...defaultOrderQuery, tab: query.tab }, ""))}
    />
  ) : (
    <ListMessage
      icon={OrderIcon}
      title={taken.length > 0 ? words.taking.list.noneYet : emptyTitle}
      what={
        taken.length > 0
          ? words.taking.list.noneYetWhat
          : isStillComing(progress, "orders")
            ? words.importing.listEmpty.orders
            : emptyWhat
      }
    />
  );

  return (
    <Page
      fullWidth
      title={words.pages.orders}
      titleMetadata={<SourceBadge of={oldest(orders, locations)} />}
      primaryAction={{ content: words.taking.action, url: "/app/orders/new" }}
    >
      <TitleBar title={words.pages.orders} />
      {rows.length > 0 && <ImportNotice progress={progress} what="orders" />}
      <BulkNotices bulk={bulk} progress={bulks} />
      {taken.length > 0 && (
        <Box paddingBlockEnd="400">
          <TakenOrders orders={taken} />
        </Box>
      )}
      <Card padding="0">
        <ListFilters
          // Another tab or view starts with its own search field.
          key={view?.id ?? query.tab}
          tabs={tabs}
          selectedTab={selectedTab}
          onTab={(index) => {
            const tab = orderTabs[index];
            const chosen = views[index - orderTabs.length];
            if (tab) void go(orderSearchParams({ ...defaultOrderQuery, tab }));
            else if (chosen) {
              void go(paramsOf(parseOrderQuery(new URLSearchParams(chosen.query)), chosen.id));
            }
          }}
          searched={query.search}
          placeholder={words.orders.search}
          onSearch={(search) => change({ search })}
          filters={filters}
          applied={applied}
          changed={changed}
          onClear={clear}
          sorts={words.orders.sorts}
          sort={query.sort}
          descending={query.descending}
          onSort={(sort, descending) => change({ sort: sort as OrderSort, descending })}
          loading={loading}
          savingView={saving.busy}
          onSaveView={(name) => {
            const id = crypto.randomUUID();
            const saved = orderSearchParams(firstOrderPage(query));
            saving.ask({ intent: "save", id, name, query: saved.toString() });
            saved.set("view", id);
            void navigate(addressOf(saved), { replace: true, preventScrollReset: true });
            return Promise.resolve(true);
          }}
        />
        <IndexTable
          condensed={phone}
          resourceName={words.orders.resource}
          itemCount={rows.length}
          selectedItemsCount={selected.length}
          onSelectionChange={selection.handleSelectionChange}
          loading={loading && rows.length > 0}
          emptyState={empty}
          headings={[
            { title: columns.order },
            { title: columns.date },
            { title: columns.customer },
            { title: columns.total, alignment: "end" },
            { title: columns.payment },
            { title: columns.fulfillment },
            { title: columns.items },
            { title: columns.location },
            { title: columns.tags },
          ]}
          sortable={sortedColumns.map((sort) => sort !== null)}
          {...(sortedColumn === -1
            ? {}
            : {
                sortColumnIndex: sortedColumn,
                sortDirection: query.descending ? ("descending" as const) : ("ascending" as const),
              })}
          onSort={(column, direction) => {
            const sort = sortedColumns[column];
            if (sort) change({ sort, descending: direction === "descending" });
          }}
          promotedBulkActions={[
            {
              content: words.orders.bulk.action.fulfil,
              onAction: () => bulk.open("fulfil"),
              disabled: bulk.busy,
            },
            {
              icon: PrintIcon,
              content: words.orders.printSlips,
              url: slipsAddress(selected.map(({ id }) => id)),
            },
          ]}
          bulkActions={bulkActions
            .filter((name) => name !== "fulfil")
            .map((name) => ({
              content: words.orders.bulk.action[name],
              onAction: () => bulk.open(name),
              disabled: bulk.busy,
            }))}
          {...(rows.length > 0
            ? {
                pagination: pagination(
                  words,
                  page,
                  (where) => addressOf(paramsOf({ ...query, ...where })),
                  words.common.showing(rows.length, page.total, words.count.orders),
                ),
              }
            : {})}
        >
          {rows.map((order, position) =>
            phone ? (
              <OrderListRow key={order.id} order={order} position={position} />
            ) : (
              <OrderRow
                key={order.id}
                order={order}
                position={position}
                selected={selected.includes(order)}
              />
            ),
          )}
        </IndexTable>
      </Card>
      <BulkDialog bulk={bulk} orders={selected} />
    </Page>
  );
}

/** Saves and deletes views, and says how it went. */
function useViews() {
  const words = useWords();
  const fetcher = useFetcher<ViewAnswer>();
  const { data } = fetcher;
  useEffect(() => {
    if (!data) return;
    const { views } = words.orders;
    if (!data.ok)
      toast(views[data.intent === "save" ? "failed" : "deleteFailed"], { isError: true });
    else if (data.intent === "save") toast(views.saved(data.name));
    else toast(views.deleted(data.name));
  }, [data, words]);
  return {
    busy: fetcher.state !== "idle",
    ask: (view: ViewRequest) =>
      fetcher.submit(JSON.stringify(view), {
        method: "post",
        action: "/app/orders?index",
        encType: "application/json",
      }),
  };
}

/** Whether search or filters differ; the order and the length of the pages do not count. */
function differs(query: OrderQuery, base: OrderQuery): boolean {
  const params = (of: OrderQuery) => {
    const { sort, descending, pageSize } = base;
    return orderSearchParams(firstOrderPage({ ...of, sort, descending, pageSize })).toString();
  };
  return params(query) !== params(base);
}

/** The address that prints the packing slips of these orders. */
function slipsAddress(ids: readonly number[]): string {
  const params = new URLSearchParams(ids.map((id) => ["order", String(id)]));
  return `/app/orders/packing-slips?${params.toString()}`;
}

export const meta = pageTitle((words) => words.pages.orders);

export function ErrorBoundary() {
  return <RouteErrorBoundary />;
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
