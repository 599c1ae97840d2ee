import type { HeadersFunction, LoaderFunctionArgs } from "@remix-run/node";
import { useLoaderData } from "@remix-run/react";
import { Card, IndexTable, Page } from "@shopify/polaris";
import { ProductIcon } from "@shopify/polaris-icons";
import { boundary } from "@shopify/shopify-app-remix/server";
import { RouteErrorBoundary } from "../components/error-boundary.tsx";
import { pageTitle } from "../components/page-title.ts";
import { choiceFilter, choicePill } from "../components/filter-choices.tsx";
import { ImportNotice, isStillComing } from "../components/import-progress.tsx";
import { useListAddress } from "../components/list-address.ts";
import { ListFilters } from "../components/list-filters.tsx";
import { useRememberList } from "../components/list-memory.ts";
import { ListMessage, NoResults } from "../components/list-states.tsx";
import { usePhone, useWords } from "../components/localisation.tsx";
import { pagination } from "../components/pagination.ts";
import { ProductListRow, ProductRow } from "../components/product-rows.tsx";
import { SourceBadge } from "../components/source-badge.tsx";
import { TitleBar } from "../components/title-bar.tsx";
import { answering } from "../http/problems.server.ts";
import {
  defaultProductQuery,
  firstProductPage,
  isFiltered,
  parseProductQuery,
  productSearchParams,
} from "../products/product-query.ts";
import { productStatuses, type ProductQuery, type ProductSort } from "../products/types.ts";
import { merchant } from "../shopify/sign-in.server.ts";

const tabs = [null, ...productStatuses] as const;

/** Column headings that sort, by their place in the table. */
const sortedColumns: readonly (ProductSort | null)[] = ["title", null, "available"];

export async function loader({ request, context }: LoaderFunctionArgs) {
  return answering({ request, context }, async () => {
    const { shop } = await merchant(request, context);
    const { pages } = context.services;
    const query = parseProductQuery(new URL(request.url).searchParams);
    const [products, progress] = await Promise.all([
      pages.listProducts(shop, query),
      pages.syncProgress(shop),
    ]);
    return { query, products, progress: progress.value };
  });
}

export default function Products() {
  const { query, products, progress } = useLoaderData<typeof loader>();
  const words = useWords();
  const phone = usePhone();
  const { addressOf, go, loading } = useListAddress();
  useRememberList("products");

  const { value: page } = products;
  const rows = page.products;
  const change = (part: Partial<ProductQuery>) =>
    void go(productSearchParams(firstProductPage({ ...query, ...part })));
  const clear = () =>
    void go(productSearchParams({ ...defaultProductQuery, status: query.status }));

  const toChoices = (values: readonly string[]) => values.map((value) => ({ value, label: value }));
  const choices = [
    {
      key: "type",
      label: words.products.filters.type,
      choices: toChoices(page.productTypes),
      chosen: query.productType === null ? [] : [query.productType],
      onChoose: ([chosen]: string[]) => change({ productType: chosen ?? null }),
    },
    {
      key: "vendor",
      label: words.products.filters.vendor,
      choices: toChoices(page.vendors),
      chosen: query.vendor === null ? [] : [query.vendor],
      onChoose: ([chosen]: string[]) => change({ vendor: chosen ?? null }),
    },
  ];

  const nothing =
    query.status === null
      ? words.products.empty
      : words.products.emptyStatus(words.products.status[query.status]);
  const empty = isFiltered(query) ? (
    <NoResults
      words={words.products.noResults}
      searched={query.search}
      filtered={isFiltered({ ...query, search: "" }) || query.status !== null}
      onClear={clear}
    />
  ) : (
    <ListMessage
      icon={ProductIcon}
      title={nothing.title}
      what={isStillComing(progress, "products") ? words.importing.listEmpty.products : nothing.what}
    />
  );

  const { columns } = words.products;
  const sortedColumn = sortedColumns.indexOf(query.sort);

  return (
    <Page fullWidth title={words.pages.products} titleMetadata={<SourceBadge of={products} />}>
      <TitleBar title={words.pages.products} />
      {rows.length > 0 && <ImportNotice progress={progress} what="products" />}
      <Card padding="0">
        <ListFilters
          key={query.status ?? "all"}
          tabs={tabs.map((status) => ({
            id: status ?? "all",
            content: status === null ? words.products.all : words.products.status[status],
            isLocked: true,
          }))}
          selectedTab={tabs.indexOf(query.status)}
          onTab={(index) => change({ status: tabs[index] ?? null })}
          searched={query.search}
          placeholder={words.products.search}
          onSearch={(search) => change({ search })}
          filters={choices.flatMap(choiceFilter)}
          applied={choices.flatMap(choicePill)}
          changed={isFiltered(query)}
          onClear={clear}
          sorts={words.products.sorts}
          sort={query.sort}
          descending={query.descending}
          onSort={(sort, descending) => change({ sort: sort as ProductSort, descending })}
          loading={loading}
        />
        <IndexTable
          condensed={phone}
          selectable={false}
          resourceName={words.products.resource}
          itemCount={rows.length}
          loading={loading && rows.length > 0}
          emptyState={empty}
          headings={[
            { title: columns.product },
            { title: columns.status },
            { title: columns.stock },
            { title: columns.price, alignment: "end" },
            { title: columns.type },
            { title: columns.vendor },
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
                  (where) => addressOf(productSearchParams({ ...query, ...where })),
                  words.common.showing(rows.length, page.total, words.count.products),
                ),
              }
            : {})}
        >
          {rows.map((product, position) =>
            phone ? (
              <ProductListRow key={product.id} product={product} position={position} />
            ) : (
              <ProductRow key={product.id} product={product} position={position} />
            ),
          )}
        </IndexTable>
      </Card>
    </Page>
  );
}

export const meta = pageTitle((words) => words.pages.products);

export function ErrorBoundary() {
  return <RouteErrorBoundary />;
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
