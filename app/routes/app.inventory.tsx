import type { ActionFunctionArgs, HeadersFunction, LoaderFunctionArgs } from "@remix-run/node";
import { useLoaderData, type ClientActionFunctionArgs } from "@remix-run/react";
import { Card, IndexTable, Page, Select } from "@shopify/polaris";
import { InventoryIcon } from "@shopify/polaris-icons";
import { boundary } from "@shopify/shopify-app-remix/server";
import { useState } from "react";
import { RouteErrorBoundary } from "../components/error-boundary.tsx";
import { pageTitle } from "../components/page-title.ts";
import { choiceFilter, choicePill } from "../components/filter-choices.tsx";
import { ImportNotice, isStillComing } from "../components/import-progress.tsx";
import { InventoryListRow, InventoryTableRow } from "../components/inventory-rows.tsx";
import { useListAddress } from "../components/list-address.ts";
import { ListFilters } from "../components/list-filters.tsx";
import { ListMessage, NoResults } from "../components/list-states.tsx";
import { usePhone, useWords } from "../components/localisation.tsx";
import { pagination } from "../components/pagination.ts";
import { SourceBadge } from "../components/source-badge.tsx";
import { StockEditor } from "../components/stock-editor.tsx";
import { answerForm } from "../components/submission.ts";
import { TitleBar } from "../components/title-bar.tsx";
import { submitChange } from "../http/changes.server.ts";
import { answering } from "../http/problems.server.ts";
import {
  defaultInventoryQuery,
  firstInventoryPage,
  inventorySearchParams,
  isFiltered,
  parseInventoryQuery,
} from "../inventory/inventory-query.ts";
import {
  stockFilters,
  type AdjustmentReason,
  type InventoryLevel,
  type InventoryQuery,
  type InventoryRow,
  type InventorySort,
} from "../inventory/types.ts";
import { merchant } from "../shopify/sign-in.server.ts";

/** More locations than this have no room for a column each: their numbers are summed up. */
const mostColumns = 4;

/** Column headings that sort, by their place in the table. */
const sortedColumns: readonly (InventorySort | null)[] = ["title", "sku"];

export async function loader({ request, context }: LoaderFunctionArgs) {
  return answering({ request, context }, async () => {
    const { shop } = await merchant(request, context);
    const { pages } = context.services;
    const query = parseInventoryQuery(new URL(request.url).searchParams);
    const [inventory, progress] = await Promise.all([
      pages.listInventory(shop, query),
      pages.syncProgress(shop),
    ]);
    return { query, inventory, progress: progress.value };
  });
}

export async function action({ request, context }: ActionFunctionArgs) {
  return submitChange({ request, context }, ["inventory.adjust", "inventory.set"]);
}

export function clientAction({ request, serverAction }: ClientActionFunctionArgs) {
  return answerForm(request, serverAction<typeof action>);
}

export default function Inventory() {
  const { query, inventory, progress } = useLoaderData<typeof loader>();
  const words = useWords();
  const phone = usePhone();
  const { addressOf, go, loading } = useListAddress();
  const [reason, setReason] = useState<AdjustmentReason>("correction");

  const { value: page } = inventory;
  const editing = useEditing(page.rows);
  const rows = editing.rows;

  const change = (part: Partial<InventoryQuery>) =>
    void go(inventorySearchParams(firstInventoryPage({ ...query, ...part })));
  const base = { ...defaultInventoryQuery, stock: query.stock, locationId: query.locationId };

  const active = page.locations.filter((location) => location.active);
  const location =
    page.locations.find(({ id }) => id === query.locationId) ??
    (active.length === 1 ? (active[0] ?? null) : null);
  const columns = !location && active.length <= mostColumns ? active : null;

  const toChoices = (values: readonly string[]) => values.map((value) => ({ value, label: value }));
  const choices = [
    {
      key: "type",
      label: words.inventory.filters.type,
      choices: toChoices(page.productTypes),
      chosen: query.productType === null ? [] : [query.productType],
      onChoose: ([chosen]: string[]) => change({ productType: chosen ?? null }),
    },
    {
      key: "vendor",
      label: words.inventory.filters.vendor,
      choices: toChoices(page.vendors),
      chosen: query.vendor === null ? [] : [query.vendor],
      onChoose: ([chosen]: string[]) => change({ vendor: chosen ?? null }),
    },
  ];

  const renderLevel = (row: InventoryRow, level: InventoryLevel) => (
    <StockEditor
      row={row}
      level={level}
      open={editing.isOpen(row, level)}
      onOpen={() => editing.open(row, level)}
      onClose={editing.close}
      reason={reason}
      onReason={setReason}
    />
  );

  const [emptyTitle, emptyWhat] =
    query.stock === "all"
      ? [words.inventory.empty.title, words.inventory.empty.what]
      : words.inventory.emptyTab[query.stock];
  const empty = isFiltered(query) ? (
    <NoResults
      words={words.inventory.noResults}
      searched={query.search}
      filtered={isFiltered({ ...query, search: "" }) || query.stock !== "all"}
      onClear={() => void go(inventorySearchParams(base))}
    />
  ) : (
    <ListMessage
      icon={InventoryIcon}
      title={emptyTitle}
      what={isStillComing(progress, "inventory") ? words.importing.listEmpty.inventory : emptyWhat}
    />
  );

  const { columns: headings } = words.inventory;
  const sortedColumn = sortedColumns.indexOf(query.sort);
  const numberHeading = (title: string) => ({ title, alignment: "end" as const });

  return (
    <Page
      fullWidth
      title={words.pages.inventory}
      titleMetadata={<SourceBadge of={inventory} />}
      {...(!columns && !location ? { subtitle: words.inventory.chooseLocation } : {})}
      {...(active.length > 1
        ? {
            primaryAction: (
              <Select
                label={words.inventory.location}
                labelHidden
                options={[
                  { value: "", label: words.inventory.allLocations },
                  ...active.map(({ id, name }) => ({ value: String(id), label: name })),
                ]}
                value={query.locationId === null ? "" : String(query.locationId)}
                onChange={(id) => change({ locationId: id ? Number(id) : null })}
              />
            ),
          }
        : {})}
    >
      <TitleBar title={words.pages.inventory} />
      {rows.length > 0 && <ImportNotice progress={progress} what="inventory" />}
      <Card padding="0">
        <ListFilters
          key={query.stock}
          tabs={stockFilters.map((tab) => ({
            id: tab,
            content: words.inventory.tabs[tab],
            isLocked: true,
          }))}
          selectedTab={stockFilters.indexOf(query.stock)}
          onTab={(index) => change({ stock: stockFilters[index] ?? "all" })}
          searched={query.search}
          placeholder={words.inventory.search}
          onSearch={(search) => change({ search })}
          filters={choices.flatMap(choiceFilter)}
          applied={choices.flatMap(choicePill)}
          changed={isFiltered(query)}
          onClear={() => void go(inventorySearchParams(base))}
          sorts={words.inventory.sorts}
          sort={query.sort}
          descending={query.descending}
          onSort={(sort, descending) => change({ sort: sort as InventorySort, descending })}
          loading={loading}
        />
        <IndexTable
          condensed={phone}
          selectable={false}
          resourceName={words.inventory.resource}
          itemCount={rows.length}
          loading={loading && rows.length > 0}
          emptyState={empty}
          headings={[
            { title: headings.product },
            { title: headings.sku },
            ...(columns
              ? columns.map(({ id, name }) => ({
                  id: `at-${id}`,
                  alignment: "end" as const,
                  title: (
                    <span
                      className="ek-clip"
                      style={{ maxWidth: "10rem", marginInlineStart: "auto" }}
                      title={name}
                    >
                      <bdi>{name}</bdi>
                    </span>
                  ),
                }))
              : [
                  numberHeading(headings.available),
                  numberHeading(headings.committed),
                  numberHeading(headings.incoming),
                  numberHeading(headings.onHand),
                ]),
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
          {...(rows.length > 0
            ? {
                pagination: pagination(
                  words,
                  page,
                  (where) => addressOf(inventorySearchParams({ ...query, ...where })),
                  words.common.showing(page.rows.length, page.total, words.count.variants),
                ),
              }
            : {})}
        >
          {rows.map((row, position) =>
            phone ? (
              <InventoryListRow
                key={row.variantId}
                row={row}
                position={position}
                location={location}
                renderLevel={renderLevel}
              />
            ) : (
              <InventoryTableRow
                key={row.variantId}
                row={row}
                position={position}
                columns={columns}
                location={location}
                renderLevel={renderLevel}
              />
            ),
          )}
        </IndexTable>
      </Card>
    </Page>
  );
}

/**
 * Which level is being edited. Its row stays where it was while the list changes around it: what somebody is
 * typing must not vanish because the variant has just left the page or the filter.
 */
function useEditing(rows: readonly InventoryRow[]) {
  const [held, setHeld] = useState<{
    readonly row: InventoryRow;
    readonly position: number;
    readonly locationId: number;
  } | null>(null);
  const gone = held && !rows.some(({ variantId }) => variantId === held.row.variantId);
  return {
    rows: gone ? rows.toSpliced(held.position, 0, held.row) : rows,
    isOpen: (row: InventoryRow, level: InventoryLevel) =>
      held?.row.variantId === row.variantId && held.locationId === level.locationId,
    open: (row: InventoryRow, level: InventoryLevel) =>
      setHeld({ row, position: rows.indexOf(row), locationId: level.locationId }),
    close: () => setHeld(null),
  };
}

export const meta = pageTitle((words) => words.pages.inventory);

export function ErrorBoundary() {
  return <RouteErrorBoundary />;
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
