import { Badge, BlockStack, Card, InlineStack, Link, Text } from "@shopify/polaris";
import type { TakenOrder } from "../orders/taken-types.ts";
import { ChangeBadge } from "./change-badge.tsx";
import { Section } from "./details.tsx";
import { useFormat, useNow, useWords } from "./localisation.tsx";
import { Name } from "./name.tsx";
import { CustomerName } from "./order-rows.tsx";

/** Where an order that was taken here stands. */
export function TakenBadge({ order }: { readonly order: TakenOrder }) {
  const { taking } = useWords();
  if (order.change.state !== "done") return <ChangeBadge change={order.change} />;
  return order.orderId === null && order.payment === "invoice" ? (
    <Badge tone="info">{taking.list.toPay}</Badge>
  ) : (
    <Badge tone="success">{taking.list.atShopify}</Badge>
  );
}

/** The orders that were taken here and are none of Shopify's yet, above those that are. */
export function TakenOrders({ orders }: { readonly orders: readonly TakenOrder[] }) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  if (orders.length === 0) return null;
  return (
    <Section title={words.taking.list.title}>
      <ul className="ek-list ek-divided">
        {orders.map((order) => (
          <li key={order.id}>
            <InlineStack align="space-between" blockAlign="center" gap="200">
              <BlockStack gap="050">
                <Link url={`/app/orders/taken/${order.id}`} monochrome removeUnderline>
                  <Text as="span" fontWeight="semibold">
                    {order.number}
                  </Text>
                </Link>
                <Text as="span" tone="subdued" variant="bodySm">
                  <time dateTime={order.takenAt.toISOString()} title={format.exact(order.takenAt)}>
                    {format.moment(order.takenAt, now)}
                  </time>
                  {" · "}
                  <CustomerName name={order.customer?.name ?? order.customer?.email ?? null} />
                </Text>
              </BlockStack>
              <InlineStack gap="300" blockAlign="center">
                <Text as="span" numeric>
                  {format.money({ amount: order.totals.total, currency: order.currency })}
                </Text>
                <TakenBadge order={order} />
              </InlineStack>
            </InlineStack>
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** What was taken, line by line. */
export function TakenLines({ order }: { readonly order: TakenOrder }) {
  const words = useWords();
  const format = useFormat();
  return (
    <Card>
      <BlockStack gap="100">
        <Text as="h2" variant="headingSm">
          {words.taking.page.items}
        </Text>
        <div>
          {order.lines.map((line) => (
            <div className="ek-line" key={line.variantId}>
              <BlockStack gap="050">
                <Text as="span" fontWeight="medium">
                  <Name>{line.title}</Name>
                </Text>
                <Text as="span" tone="subdued" variant="bodySm">
                  <Name>
                    {[line.variantTitle, line.sku && words.order.sku(line.sku)]
                      .filter(Boolean)
                      .join(" · ")}
                  </Name>
                </Text>
              </BlockStack>
              <div className="ek-line-numbers">
                <Text as="span" tone="subdued" numeric>
                  {format.money({ amount: line.unitPrice, currency: order.currency })}{" "}
                  {words.order.quantity(line.quantity)}
                </Text>
              </div>
            </div>
          ))}
        </div>
      </BlockStack>
    </Card>
  );
}
