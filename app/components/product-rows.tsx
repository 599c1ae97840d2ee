import { BlockStack, Box, IndexTable, InlineStack, Link, Text } from "@shopify/polaris";
import type { ProductSummary } from "../products/types.ts";
import { useFormat, useWords } from "./localisation.tsx";
import { Name } from "./name.tsx";
import { Picture } from "./picture.tsx";
import { ProductBadge } from "./status-badges.tsx";

interface RowProps {
  readonly product: ProductSummary;
  readonly position: number;
}

export function ProductRow({ product, position }: RowProps) {
  return (
    <IndexTable.Row id={String(product.id)} position={position}>
      <IndexTable.Cell>
        <div className="ek-identity">
          <Picture url={product.imageUrl} />
          <Link url={`/app/products/${product.id}`} dataPrimaryLink monochrome removeUnderline>
            <Text as="span" fontWeight="medium">
              <span className="ek-two-lines">
                <bdi>{product.title}</bdi>
              </span>
            </Text>
          </Link>
        </div>
      </IndexTable.Cell>
      <IndexTable.Cell>
        <ProductBadge status={product.status} />
      </IndexTable.Cell>
      <IndexTable.Cell>
        <Stock product={product} />
      </IndexTable.Cell>
      <IndexTable.Cell>
        <Text as="span" alignment="end" numeric>
          <PriceRange product={product} />
        </Text>
      </IndexTable.Cell>
      <IndexTable.Cell>
        <Clipped text={product.productType} />
      </IndexTable.Cell>
      <IndexTable.Cell>
        <Clipped text={product.vendor} />
      </IndexTable.Cell>
    </IndexTable.Row>
  );
}

export function ProductListRow({ product, position }: RowProps) {
  return (
    <IndexTable.Row id={String(product.id)} position={position}>
      <div className="ek-list-row">
        <Link url={`/app/products/${product.id}`} dataPrimaryLink monochrome removeUnderline>
          <Box padding="300">
            <InlineStack gap="300" wrap={false} blockAlign="start">
              <Picture url={product.imageUrl} />
              <div className="ek-grow">
                <BlockStack gap="100">
                  <Text as="span" fontWeight="medium">
                    <Name>{product.title}</Name>
                  </Text>
                  <Text as="span" tone="subdued" variant="bodySm">
                    <Stock product={product} />
                    {" · "}
                    <PriceRange product={product} />
                  </Text>
                  <InlineStack>
                    <ProductBadge status={product.status} />
                  </InlineStack>
                </BlockStack>
              </div>
            </InlineStack>
          </Box>
        </Link>
      </div>
    </IndexTable.Row>
  );
}

function Clipped({ text }: { readonly text: string }) {
  return (
    <span className="ek-clip" style={{ maxWidth: "12rem" }} title={text}>
      <bdi>{text}</bdi>
    </span>
  );
}

/** How much there is; what has run out stands out. */
export function Stock({ product }: { readonly product: ProductSummary }) {
  const words = useWords();
  if (product.available === null) return <>{words.products.notTracked}</>;
  const text = words.products.stock(product.available, product.variantCount);
  return product.available > 0 ? (
    <>{text}</>
  ) : (
    <Text as="span" tone="critical">
      {text}
    </Text>
  );
}

/** One price, or from the lowest to the highest. */
export function PriceRange({
  product,
}: {
  readonly product: Pick<ProductSummary, "priceFrom" | "priceTo" | "currency">;
}) {
  const format = useFormat();
  const { priceFrom, priceTo, currency } = product;
  const from = format.money({ amount: priceFrom, currency });
  const to = format.money({ amount: priceTo, currency });
  return <>{from === to ? from : `${from} – ${to}`}</>;
}
