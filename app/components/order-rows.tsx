import {
  Badge,
  BlockStack,
  Box,
  IndexTable,
  InlineStack,
  Link,
  Text,
  Tooltip,
} from "@shopify/polaris";
import type { OrderSummary } from "../orders/types.ts";
import { ChangeBadge } from "./change-badge.tsx";
import { useFormat, useNow, useWords } from "./localisation.tsx";
import { Name } from "./name.tsx";
import { FulfillmentBadge, PaymentBadge } from "./status-badges.tsx";

const shownTags = 2;

interface OrderRowProps {
  readonly order: OrderSummary;
  readonly position: number;
  readonly selected: boolean;
}

/** An order in a table on a wide screen. */
export function OrderRow({ order, position, selected }: OrderRowProps) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const gone = order.cancelledAt !== null;
  return (
    <IndexTable.Row
      id={String(order.id)}
      position={position}
      selected={selected}
      accessibilityLabel={words.order.title(order.name)}
      {...(gone ? { tone: "subdued" as const } : {})}
    >
      <IndexTable.Cell>
        <Link url={`/app/orders/${order.id}`} dataPrimaryLink monochrome removeUnderline>
          <Text
            as="span"
            fontWeight="semibold"
            {...(gone ? { textDecorationLine: "line-through" as const } : {})}
          >
            {order.name}
          </Text>
        </Link>
      </IndexTable.Cell>
      <IndexTable.Cell>
        <time dateTime={order.placedAt.toISOString()} title={format.exact(order.placedAt)}>
          {format.moment(order.placedAt, now)}
        </time>
      </IndexTable.Cell>
      <IndexTable.Cell>
        {order.customer ? (
          <span className="ek-clip" title={order.customer}>
            <bdi>{order.customer}</bdi>
          </span>
        ) : (
          <Text as="span" tone="subdued">
            {words.orders.noCustomer}
          </Text>
        )}
      </IndexTable.Cell>
      <IndexTable.Cell>
        <Text as="span" alignment="end" numeric>
          {format.money(order.total)}
        </Text>
      </IndexTable.Cell>
      <IndexTable.Cell>
        <PaymentBadge status={order.paymentStatus} />
      </IndexTable.Cell>
      <IndexTable.Cell>
        <OrderProgress order={order} />
      </IndexTable.Cell>
      <IndexTable.Cell>{words.orders.units(order.units, order.unitsToFulfil)}</IndexTable.Cell>
      <IndexTable.Cell>
        <Some of={order.locations} shown={1} />
      </IndexTable.Cell>
      <IndexTable.Cell>
        <Tags tags={order.tags} />
      </IndexTable.Cell>
    </IndexTable.Row>
  );
}

/** An order in a list on a phone. */
export function OrderListRow({ order, position }: Omit<OrderRowProps, "selected">) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  return (
    <IndexTable.Row id={String(order.id)} position={position}>
      <div className="ek-list-row">
        <Link url={`/app/orders/${order.id}`} dataPrimaryLink monochrome removeUnderline>
          <Box padding="300">
            <BlockStack gap="150">
              <InlineStack align="space-between" gap="200" wrap={false}>
                <Text
                  as="span"
                  fontWeight="semibold"
                  {...(order.cancelledAt ? { textDecorationLine: "line-through" as const } : {})}
                >
                  {order.name}
                </Text>
                <Text as="span" numeric fontWeight="medium">
                  {format.money(order.total)}
                </Text>
              </InlineStack>
              <Text as="span" tone="subdued" variant="bodySm">
                <span className="ek-clip" style={{ maxWidth: "100%" }}>
                  {format.moment(order.placedAt, now)}
                  {" · "}
                  {order.customer ? <bdi>{order.customer}</bdi> : words.orders.noCustomer}
                  {" · "}
                  {words.orders.units(order.units, order.unitsToFulfil)}
                </span>
              </Text>
              <InlineStack gap="100">
                <PaymentBadge status={order.paymentStatus} />
                <OrderProgress order={order} />
              </InlineStack>
            </BlockStack>
          </Box>
        </Link>
      </div>
    </IndexTable.Row>
  );
}

function OrderProgress({ order }: { readonly order: OrderSummary }) {
  const words = useWords();
  return (
    <InlineStack gap="100" wrap={false}>
      {order.cancelledAt ? (
        <Badge progress="complete">{words.cancelled}</Badge>
      ) : (
        <FulfillmentBadge status={order.fulfillmentStatus} />
      )}
      {order.pending && <ChangeBadge change={order.pending} />}
    </InlineStack>
  );
}

/** The first of several names; the rest stands in a tooltip. */
function Some({ of, shown }: { readonly of: readonly string[]; readonly shown: number }) {
  const words = useWords();
  const format = useFormat();
  if (of.length === 0) return null;
  const rest = of.slice(shown);
  const first = (
    <span className="ek-clip" style={{ maxWidth: "10rem" }}>
      <bdi>{of.slice(0, shown).join(", ")}</bdi>
    </span>
  );
  if (rest.length === 0) return first;
  return (
    <Tooltip content={format.list(of)}>
      <InlineStack gap="100" wrap={false}>
        {first}
        <Text as="span" tone="subdued">
          {words.common.more(rest.length)}
        </Text>
      </InlineStack>
    </Tooltip>
  );
}

function Tags({ tags }: { readonly tags: readonly string[] }) {
  const format = useFormat();
  if (tags.length === 0) return null;
  const rest = tags.length - shownTags;
  return (
    <InlineStack gap="100" wrap={false}>
      {tags.slice(0, shownTags).map((tag) => (
        <Badge key={tag}>{tag}</Badge>
      ))}
      {rest > 0 && (
        <Tooltip content={format.list(tags)}>
          <Badge>{`+${format.number(rest)}`}</Badge>
        </Tooltip>
      )}
    </InlineStack>
  );
}

/** A customer's name with its own direction, or what to say instead. */
export function CustomerName({ name }: { readonly name: string | null }) {
  const words = useWords();
  return name ? <Name>{name}</Name> : <>{words.orders.noCustomer}</>;
}
