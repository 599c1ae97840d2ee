import type { HeadersFunction, LoaderFunctionArgs, SerializeFrom } from "@remix-run/node";
import { useLoaderData } from "@remix-run/react";
import {
  Badge,
  BlockStack,
  Box,
  Card,
  IndexTable,
  InlineStack,
  Layout,
  Link,
  Page,
  Text,
} from "@shopify/polaris";
import { boundary } from "@shopify/shopify-app-remix/server";
import { Fact, Section } from "../components/details.tsx";
import { RouteErrorBoundary } from "../components/error-boundary.tsx";
import { pageTitle } from "../components/page-title.ts";
import { useListAddressBefore } from "../components/list-memory.ts";
import { useFormat, useNow, usePhone, useWords } from "../components/localisation.tsx";
import { Name } from "../components/name.tsx";
import { Picture } from "../components/picture.tsx";
import { PriceRange, Stock } from "../components/product-rows.tsx";
import { SourceBadge } from "../components/source-badge.tsx";
import { ProductBadge } from "../components/status-badges.tsx";
import { TitleBar } from "../components/title-bar.tsx";
import { answering, notFound } from "../http/problems.server.ts";
import { inventorySearchParams, defaultInventoryQuery } from "../inventory/inventory-query.ts";
import { parseId } from "../list-query.ts";
import type { ProductDetail, ProductVariant } from "../products/types.ts";
import { merchant } from "../shopify/sign-in.server.ts";

export async function loader({ request, context, params }: LoaderFunctionArgs) {
  return answering({ request, context }, async () => {
    const { shop } = await merchant(request, context);
    const id = parseId(params.id);
    if (id === null) throw notFound("product");
    const { value, ...source } = await context.services.pages.getProduct(shop, id);
    if (!value) throw notFound("product");
    return { product: value, source };
  });
}

export default function Product() {
  const { product, source } = useLoaderData<typeof loader>();
  const words = useWords();
  const back = useListAddressBefore("products");
  return (
    <Page
      backAction={{ content: words.pages.products, url: back }}
      title={product.title}
      titleMetadata={
        <InlineStack gap="100">
          <ProductBadge status={product.status} />
          <SourceBadge of={source} />
        </InlineStack>
      }
    >
      <TitleBar title={product.title} />
      <Layout>
        <Layout.Section>
          <Variants product={product} />
        </Layout.Section>
        <Layout.Section variant="oneThird">
          <About product={product} />
        </Layout.Section>
      </Layout>
    </Page>
  );
}

/** The list of stock, narrowed to one variant. */
function stockAddress(product: ProductDetail, variant: ProductVariant): string {
  const search = variant.sku || product.title;
  return `/app/inventory?${inventorySearchParams({ ...defaultInventoryQuery, search }).toString()}`;
}

function Variants({ product }: { readonly product: ProductDetail }) {
  const words = useWords();
  const phone = usePhone();
  const rows = product.variants;
  return (
    <Card padding="0">
      <Box padding="400">
        <InlineStack align="space-between" gap="200">
          <Text as="h2" variant="headingSm">
            {words.product.variants}
          </Text>
          <Text as="span" tone="subdued">
            <Stock product={product} />
          </Text>
        </InlineStack>
      </Box>
      <IndexTable
        condensed={phone}
        selectable={false}
        resourceName={words.inventory.resource}
        itemCount={rows.length}
        emptyState={
          <Box padding="400">
            <Text as="p" tone="subdued">
              {words.product.noVariants}
            </Text>
          </Box>
        }
        headings={[
          { title: words.product.variant },
          { title: words.product.price, alignment: "end" },
          { title: words.inventory.columns.available, alignment: "end" },
        ]}
      >
        {rows.map((variant, position) =>
          phone ? (
            <VariantListRow
              key={variant.id}
              product={product}
              variant={variant}
              position={position}
            />
          ) : (
            <VariantRow key={variant.id} product={product} variant={variant} position={position} />
          ),
        )}
      </IndexTable>
    </Card>
  );
}

interface VariantProps {
  readonly product: ProductDetail;
  readonly variant: ProductVariant;
  readonly position: number;
}

function VariantName({ product, variant }: Omit<VariantProps, "position">) {
  const words = useWords();
  return (
    <div className="ek-identity">
      <Picture url={variant.imageUrl ?? product.imageUrl} />
      <BlockStack gap="050">
        <Text as="span" fontWeight="medium">
          {variant.tracked ? (
            <Link url={stockAddress(product, variant)} monochrome removeUnderline>
              <Name>{variant.title ?? words.product.defaultVariant}</Name>
            </Link>
          ) : (
            <Name>{variant.title ?? words.product.defaultVariant}</Name>
          )}
        </Text>
        <Text as="span" tone="subdued" variant="bodySm">
          <Name>{variant.sku ? words.order.sku(variant.sku) : words.order.noSku}</Name>
        </Text>
      </BlockStack>
    </div>
  );
}

function Price({ product, variant }: Omit<VariantProps, "position">) {
  const words = useWords();
  const format = useFormat();
  const { currency } = product;
  return (
    <BlockStack inlineAlign="end">
      <Text as="span" numeric>
        {format.money({ amount: variant.price, currency })}
      </Text>
      {variant.compareAtPrice !== null && (
        <Text as="span" tone="subdued" variant="bodySm" numeric>
          {words.product.compareAt(format.money({ amount: variant.compareAtPrice, currency }))}
        </Text>
      )}
    </BlockStack>
  );
}

function VariantRow({ product, variant, position }: VariantProps) {
  return (
    <IndexTable.Row id={String(variant.id)} position={position}>
      <IndexTable.Cell>
        <VariantName product={product} variant={variant} />
      </IndexTable.Cell>
      <IndexTable.Cell>
        <Price product={product} variant={variant} />
      </IndexTable.Cell>
      <IndexTable.Cell>
        <Levels variant={variant} />
      </IndexTable.Cell>
    </IndexTable.Row>
  );
}

/** The stock of a variant: the sum, and below it each location with what is promised and coming. */
function Levels({ variant }: { readonly variant: ProductVariant }) {
  const words = useWords();
  const format = useFormat();
  if (!variant.tracked) {
    return (
      <Text as="p" tone="subdued" alignment="end">
        {words.inventory.notTracked}
      </Text>
    );
  }
  const total = variant.levels.reduce((sum, { available }) => sum + available, 0);
  return (
    <BlockStack inlineAlign="end">
      <Text as="span" numeric fontWeight="medium">
        {format.number(total)}
      </Text>
      {variant.levels.map(({ locationId, location, available, committed, incoming }) => (
        <Text as="span" key={locationId} tone="subdued" variant="bodySm" numeric>
          <Name>{location}</Name> {format.number(available)}
          {committed === 0 ? "" : ` · ${words.inventory.committed(committed)}`}
          {incoming === 0 ? "" : ` · ${words.inventory.incoming(incoming)}`}
        </Text>
      ))}
    </BlockStack>
  );
}

function VariantListRow({ product, variant, position }: VariantProps) {
  return (
    <IndexTable.Row id={String(variant.id)} position={position}>
      <Box padding="300">
        <BlockStack gap="200">
          <InlineStack align="space-between" gap="200" wrap={false}>
            <VariantName product={product} variant={variant} />
            <Price product={product} variant={variant} />
          </InlineStack>
          <Levels variant={variant} />
        </BlockStack>
      </Box>
    </IndexTable.Row>
  );
}

function About({ product }: { readonly product: ProductDetail }) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const text = (value: string) => (value ? <Name>{value}</Name> : words.common.none);
  return (
    <BlockStack gap="400">
      <Section title={words.product.details}>
        <BlockStack gap="300">
          <Picture url={product.imageUrl} alt={product.title} size="large" />
          <BlockStack gap="150">
            <Fact name={words.product.price}>
              <PriceRange product={product} />
            </Fact>
            <Fact name={words.product.type}>{text(product.productType)}</Fact>
            <Fact name={words.product.vendor}>{text(product.vendor)}</Fact>
            <Fact name={words.product.handle}>{text(product.handle)}</Fact>
            <Fact name={words.product.updated}>
              <time
                dateTime={product.updatedAt.toISOString()}
                title={format.exact(product.updatedAt)}
              >
                {format.moment(product.updatedAt, now)}
              </time>
            </Fact>
          </BlockStack>
        </BlockStack>
      </Section>
      <Section title={words.product.tags}>
        {product.tags.length > 0 ? (
          <InlineStack gap="100">
            {product.tags.map((tag) => (
              <Badge key={tag}>{tag}</Badge>
            ))}
          </InlineStack>
        ) : (
          <Text as="p" tone="subdued">
            {words.order.noTags}
          </Text>
        )}
      </Section>
    </BlockStack>
  );
}

export const meta = pageTitle<SerializeFrom<typeof loader>>((words, data) =>
  data ? data.product.title : words.notFound.product.title,
);

export function ErrorBoundary() {
  return <RouteErrorBoundary />;
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
