import type {
  ActionFunctionArgs,
  HeadersFunction,
  LoaderFunctionArgs,
  SerializeFrom,
} from "@remix-run/node";
import { useLoaderData, type ClientActionFunctionArgs } from "@remix-run/react";
import {
  Badge,
  Banner,
  BlockStack,
  Box,
  Button,
  Card,
  Divider,
  InlineStack,
  Layout,
  Link,
  Page,
  Text,
} from "@shopify/polaris";
import { boundary } from "@shopify/shopify-app-remix/server";
import { AddressLines, sameAddress } from "../components/address-lines.tsx";
import { CancelFulfilment } from "../components/cancel-fulfilment.tsx";
import { ChangeBadge } from "../components/change-badge.tsx";
import { Fact, Section } from "../components/details.tsx";
import { RouteErrorBoundary } from "../components/error-boundary.tsx";
import { pageTitle } from "../components/page-title.ts";
import { useListAddressBefore } from "../components/list-memory.ts";
import { useFormat, useNow, useWords } from "../components/localisation.tsx";
import { Name } from "../components/name.tsx";
import { HoldButton, ReleaseButton } from "../components/order-holds.tsx";
import { OrderLineRow } from "../components/order-line-row.tsx";
import { NoteAndTags, OnItsWay } from "../components/order-note-tags.tsx";
import { SourceBadge } from "../components/source-badge.tsx";
import { FulfillmentBadge, PaymentBadge } from "../components/status-badges.tsx";
import { answerForm } from "../components/submission.ts";
import { Timeline } from "../components/timeline.tsx";
import { TitleBar } from "../components/title-bar.tsx";
import { submitChange } from "../http/changes.server.ts";
import { answering, notFound } from "../http/problems.server.ts";
import { parseId } from "../list-query.ts";
import { isWebAddress } from "../orders/fulfilment-form.ts";
import {
  canCancel,
  canFulfil,
  canHold,
  canRelease,
  openFulfillmentOrders,
  removedUnits,
  unassignedUnits,
} from "../orders/remaining.ts";
import type { Fulfillment, FulfillmentOrder, Money, OrderDetail } from "../orders/types.ts";
import { merchant } from "../shopify/sign-in.server.ts";

export async function loader({ request, context, params }: LoaderFunctionArgs) {
  return answering({ request, context }, async () => {
    const { shop } = await merchant(request, context);
    const id = parseId(params.id);
    if (id === null) throw notFound("order");
    const { value, ...source } = await context.services.pages.getOrder(shop, id);
    if (!value) throw notFound("order");
    return { order: value, source };
  });
}

export async function action({ request, context }: ActionFunctionArgs) {
  return submitChange({ request, context }, [
    "order.edit",
    "order.hold",
    "order.release",
    "order.cancel-fulfilment",
  ]);
}

export function clientAction({ request, serverAction }: ClientActionFunctionArgs) {
  return answerForm(request, serverAction<typeof action>);
}

export default function Order() {
  const { order, source } = useLoaderData<typeof loader>();
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const back = useListAddressBefore("orders");

  const placed = format.longMoment(order.placedAt);
  const via = order.sourceName && words.order.sources[order.sourceName];
  const fulfillable = canFulfil(order);
  const fulfilAddress = `/app/orders/${order.id}/fulfil`;
  const open = openFulfillmentOrders(order);
  const unassigned = unassignedUnits(order);
  const removed = removedUnits(order);

  return (
    <Page
      backAction={{ content: words.pages.orders, url: back }}
      title={order.name}
      titleMetadata={
        <InlineStack gap="100">
          <PaymentBadge status={order.paymentStatus} />
          {order.cancelledAt ? (
            <Badge progress="complete">{words.cancelled}</Badge>
          ) : (
            <FulfillmentBadge status={order.fulfillmentStatus} />
          )}
          <SourceBadge of={source} />
        </InlineStack>
      }
      subtitle={via ? words.order.placedVia(placed, via) : words.order.placed(placed)}
      {...(fulfillable
        ? { primaryAction: { content: words.order.fulfil, url: fulfilAddress } }
        : {})}
      secondaryActions={[
        { content: words.order.packingSlip, url: `/app/orders/${order.id}/packing-slip` },
      ]}
      pagination={{
        accessibilityLabels: { previous: words.order.previous, next: words.order.next },
        hasPrevious: order.previousId !== null,
        hasNext: order.nextId !== null,
        ...(order.previousId === null ? {} : { previousURL: `/app/orders/${order.previousId}` }),
        ...(order.nextId === null ? {} : { nextURL: `/app/orders/${order.nextId}` }),
      }}
    >
      <TitleBar title={words.order.title(order.name)} />
      <Layout>
        <Layout.Section>
          <BlockStack gap="400">
            {order.cancelledAt && (
              <Banner
                tone="warning"
                title={words.order.cancelled.title(format.moment(order.cancelledAt, now))}
              >
                {order.cancelReason && (
                  <p>
                    {words.order.cancelled.reason(
                      words.order.cancelled.reasons[order.cancelReason] ?? order.cancelReason,
                    )}
                  </p>
                )}
              </Banner>
            )}
            {order.pending && (
              <Card>
                <BlockStack gap="200">
                  <InlineStack gap="200" blockAlign="center">
                    <ChangeBadge change={order.pending} />
                    <Text as="span">
                      {words.change.title[order.pending.kind](order.pending.subject)}
                    </Text>
                  </InlineStack>
                  {order.pending.problem && <Text as="p">{order.pending.problem}</Text>}
                  {order.pending.ring === "needs-you" && (
                    <InlineStack>
                      <Button url="/app/resilience?changes=needs-you">{words.order.decide}</Button>
                    </InlineStack>
                  )}
                </BlockStack>
              </Card>
            )}
            {open.map((part) => (
              <ToSend key={part.id} order={order} part={part} />
            ))}
            {unassigned.length > 0 && (
              <Section title={words.order.sections.items}>
                <div>
                  {unassigned.map(({ line, units }) => (
                    <OrderLineRow key={line.id} line={line} units={units} />
                  ))}
                </div>
              </Section>
            )}
            {order.fulfillments.map((fulfillment) => (
              <Sent key={fulfillment.id} order={order} fulfillment={fulfillment} />
            ))}
            {removed.length > 0 && (
              <Section title={words.order.sections.removed}>
                <div>
                  {removed.map(({ line, units }) => (
                    <OrderLineRow key={line.id} line={line} units={units} />
                  ))}
                </div>
              </Section>
            )}
            <Payment order={order} />
            <Section title={words.order.sections.timeline}>
              <Timeline entries={order.timeline} customer={order.customer} />
            </Section>
          </BlockStack>
        </Layout.Section>
        <Layout.Section variant="oneThird">
          <About order={order} />
        </Layout.Section>
      </Layout>
    </Page>
  );
}

/** What one location still has to send. */
function ToSend({ order, part }: { readonly order: OrderDetail; readonly part: FulfillmentOrder }) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const expectedHold = order.expected.held.find((one) => one.fulfillmentOrderId === part.id);
  const released = order.expected.released.includes(part.id);
  const held = part.status === "on_hold" || expectedHold !== undefined;
  const holds = [
    ...part.holds,
    ...(expectedHold && part.status !== "on_hold" ? [expectedHold] : []),
  ];
  const scheduled = part.status === "scheduled";
  const title = held
    ? words.order.sections.onHold
    : scheduled
      ? words.order.sections.scheduled
      : part.status === "in_progress"
        ? words.order.sections.inProgress
        : words.order.sections.toFulfil;
  const units = part.lines.reduce((sum, { remaining }) => sum + remaining, 0);
  return (
    <Section
      title={title}
      aside={
        <Text as="span" tone="subdued">
          {words.count.units(units)}
        </Text>
      }
    >
      <BlockStack gap="200">
        <Text as="p" tone="subdued">
          {part.location ? <Name>{words.order.from(part.location)}</Name> : words.order.noLocation}
          {scheduled && part.fulfillAt
            ? ` · ${words.order.fulfilAfter(format.day(part.fulfillAt, now))}`
            : ""}
        </Text>
        {holds.map((hold, index) => (
          <Box key={index} background="bg-surface-caution" padding="300" borderRadius="200">
            <BlockStack gap="050">
              <Text as="p" fontWeight="medium">
                {words.order.heldBecause(
                  words.order.holdReason[hold.reason] ??
                    words.order.holdReason.other ??
                    hold.reason,
                )}
              </Text>
              {hold.notes && (
                <Text as="p" breakWord>
                  <Name>{hold.notes}</Name>
                </Text>
              )}
            </BlockStack>
          </Box>
        ))}
        <div>
          {part.lines
            .filter(({ remaining }) => remaining > 0)
            .map(({ id, lineId, remaining, total }) => {
              const line = order.lines.find((candidate) => candidate.id === lineId);
              return (
                line && (
                  <OrderLineRow
                    key={id}
                    line={line}
                    units={remaining}
                    {...(remaining < total
                      ? { note: words.order.remaining(remaining, total) }
                      : {})}
                  />
                )
              );
            })}
        </div>
        {(expectedHold || released) && <OnItsWay />}
        {canFulfil(order, part) || canHold(order, part) || canRelease(order, part) ? (
          <InlineStack align="end" gap="200">
            {canHold(order, part) && <HoldButton order={order} part={part} />}
            {canRelease(order, part) && <ReleaseButton order={order} part={part} />}
            {canFulfil(order, part) && (
              <Button url={`/app/orders/${order.id}/fulfil?from=${part.id}`}>
                {words.order.fulfil}
              </Button>
            )}
          </InlineStack>
        ) : null}
      </BlockStack>
    </Section>
  );
}

/** One parcel, or what was handed over. */
function Sent({
  order,
  fulfillment,
}: {
  readonly order: OrderDetail;
  readonly fulfillment: Fulfillment;
}) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const cancelling = order.expected.cancelled.includes(fulfillment.id);
  const cancelled = fulfillment.status === "cancelled" || cancelling;
  return (
    <Section
      title={
        fulfillment.name
          ? `${words.order.sections.fulfilled} ${fulfillment.name}`
          : words.order.sections.fulfilled
      }
      aside={
        cancelled ? (
          <Badge>{words.order.fulfillmentCancelled}</Badge>
        ) : (
          <Badge progress="complete">{words.fulfillment.fulfilled}</Badge>
        )
      }
    >
      <BlockStack gap="200">
        <Text as="p" tone="subdued">
          {words.order.fulfilledAt(format.moment(fulfillment.createdAt, now))}
          {fulfillment.location && (
            <>
              {" · "}
              <Name>{words.order.from(fulfillment.location)}</Name>
            </>
          )}
        </Text>
        {fulfillment.tracking.map((tracking, index) => (
          <Text as="p" key={index}>
            {words.order.tracking(tracking.company)}{" "}
            {tracking.number && tracking.url && isWebAddress(tracking.url) ? (
              <Link
                url={tracking.url}
                target="_blank"
                accessibilityLabel={words.order.trackingOpen(tracking.number)}
              >
                <Name>{tracking.number}</Name>
              </Link>
            ) : (
              <Name>{tracking.number ?? words.order.noTracking}</Name>
            )}
          </Text>
        ))}
        <div>
          {fulfillment.lines.map(({ lineId, quantity }) => {
            const line = order.lines.find((candidate) => candidate.id === lineId);
            return line && <OrderLineRow key={lineId} line={line} units={quantity} />;
          })}
        </div>
        {cancelling && <OnItsWay />}
        {canCancel(order, fulfillment) && (
          <InlineStack align="end">
            <CancelFulfilment order={order} fulfillment={fulfillment} />
          </InlineStack>
        )}
      </BlockStack>
    </Section>
  );
}

function Payment({ order }: { readonly order: OrderDetail }) {
  const words = useWords();
  const format = useFormat();
  const { summary } = words.order;
  const isZero = ({ amount }: Money) => Number(amount) === 0;
  return (
    <Section
      title={words.order.sections.summary}
      aside={<PaymentBadge status={order.paymentStatus} />}
    >
      <BlockStack gap="150">
        <Fact name={summary.subtotal}>{format.money(order.subtotal)}</Fact>
        {!isZero(order.totalDiscounts) && (
          <Fact name={summary.discounts}>−{format.money(order.totalDiscounts)}</Fact>
        )}
        <Fact name={summary.shipping}>
          {order.shippingMethod && (
            <Text as="span" tone="subdued">
              <Name>{order.shippingMethod}</Name>{" "}
            </Text>
          )}
          {format.money(order.totalShipping)}
        </Fact>
        <Fact name={summary.tax}>{format.money(order.totalTax)}</Fact>
        <Divider />
        <Fact name={summary.total} strong>
          {format.money(order.total)}
        </Fact>
        {!isZero(order.totalRefunded) && (
          <Fact name={summary.refunded}>−{format.money(order.totalRefunded)}</Fact>
        )}
      </BlockStack>
    </Section>
  );
}

/** Who ordered, where it goes, and what was noted. */
function About({ order }: { readonly order: OrderDetail }) {
  const words = useWords();
  const { sections } = words.order;
  const subdued = (text: string) => (
    <Text as="p" tone="subdued">
      {text}
    </Text>
  );
  return (
    <BlockStack gap="400">
      <NoteAndTags
        // Another order's note and tags are other entries.
        key={order.id}
        order={order}
      />
      <Card>
        <BlockStack gap="400">
          <BlockStack gap="200">
            <Text as="h2" variant="headingSm">
              {sections.customer}
            </Text>
            {order.customer ? (
              <Text as="p">
                <Name>{order.customer}</Name>
              </Text>
            ) : (
              subdued(words.order.noCustomer)
            )}
          </BlockStack>
          <BlockStack gap="100">
            <Text as="h3" variant="headingSm">
              {sections.contact}
            </Text>
            {order.email ? (
              <Text as="p" breakWord>
                <Link url={`mailto:${order.email}`}>
                  <Name>{order.email}</Name>
                </Link>
              </Text>
            ) : (
              subdued(words.order.noEmail)
            )}
            {order.phone && (
              <Text as="p">
                <Name>{order.phone}</Name>
              </Text>
            )}
          </BlockStack>
          <BlockStack gap="100">
            <Text as="h3" variant="headingSm">
              {sections.shipping}
            </Text>
            {order.shippingAddress ? (
              <AddressLines address={order.shippingAddress} />
            ) : (
              subdued(words.order.noAddress)
            )}
          </BlockStack>
          <BlockStack gap="100">
            <Text as="h3" variant="headingSm">
              {sections.billing}
            </Text>
            {!order.billingAddress ? (
              subdued(words.order.noAddress)
            ) : sameAddress(order.billingAddress, order.shippingAddress) ? (
              subdued(words.order.sameAsShipping)
            ) : (
              <AddressLines address={order.billingAddress} />
            )}
          </BlockStack>
        </BlockStack>
      </Card>
      {order.risk && order.risk !== "none" && (
        <Section title={sections.risk}>
          <InlineStack>
            <Badge
              {...(order.risk === "high"
                ? { tone: "critical" as const }
                : order.risk === "medium"
                  ? { tone: "warning" as const }
                  : { tone: "success" as const })}
            >
              {words.order.risk[order.risk]}
            </Badge>
          </InlineStack>
        </Section>
      )}
    </BlockStack>
  );
}

export const meta = pageTitle<SerializeFrom<typeof loader>>((words, data) =>
  data ? words.order.title(data.order.name) : words.notFound.order.title,
);

export function ErrorBoundary() {
  return <RouteErrorBoundary />;
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
