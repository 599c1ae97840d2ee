import type { HeadersFunction, LoaderFunctionArgs, SerializeFrom } from "@remix-run/node";
import { useLoaderData } from "@remix-run/react";
import { BlockStack, Button, Card, InlineStack, Layout, Page, Text } from "@shopify/polaris";
import { boundary } from "@shopify/shopify-app-remix/server";
import { AddressLines } from "../components/address-lines.tsx";
import { Section } from "../components/details.tsx";
import { RouteErrorBoundary } from "../components/error-boundary.tsx";
import { useListAddressBefore } from "../components/list-memory.ts";
import { useFormat, useNow, useWords } from "../components/localisation.tsx";
import { Name } from "../components/name.tsx";
import { CustomerName } from "../components/order-rows.tsx";
import { pageTitle } from "../components/page-title.ts";
import { SourceBadge } from "../components/source-badge.tsx";
import { TakenBadge, TakenLines } from "../components/taken-orders.tsx";
import { TakenTotalsList } from "../components/taken-totals.tsx";
import { TitleBar } from "../components/title-bar.tsx";
import { answering } from "../http/problems.server.ts";
import { takenOrToItsOrder } from "../http/taken-orders.server.ts";
import type { TakenOrder } from "../orders/taken-types.ts";
import { merchant } from "../shopify/sign-in.server.ts";

export async function loader({ request, context, params }: LoaderFunctionArgs) {
  return answering({ request, context }, async () => {
    const { shop } = await merchant(request, context);
    const taken = await takenOrToItsOrder(context.services.pages, shop, params.id);
    const { value: order, ...source } = taken;
    return { order, source };
  });
}

export default function Taken() {
  const { order, source } = useLoaderData<typeof loader>();
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const back = useListAddressBefore("orders");
  const { page } = words.taking;
  const { change } = order;
  return (
    <Page
      backAction={{ content: words.pages.orders, url: back }}
      title={order.number}
      titleMetadata={
        <InlineStack gap="100">
          <TakenBadge order={order} />
          <SourceBadge of={source} />
        </InlineStack>
      }
      subtitle={page.taken(format.moment(order.takenAt, now))}
      secondaryActions={[{ content: page.slip, url: `/app/orders/taken/${order.id}/packing-slip` }]}
    >
      <TitleBar title={page.title(order.number)} />
      <Layout>
        <Layout.Section>
          <BlockStack gap="400">
            <Card>
              <BlockStack gap="200">
                <Text as="p">{statusOf(order)}</Text>
                {change.problem && <Text as="p">{change.problem}</Text>}
                {change.ring === "needs-you" && (
                  <InlineStack>
                    <Button url="/app/resilience?changes=needs-you">{page.decide}</Button>
                  </InlineStack>
                )}
                <Text as="p" tone="subdued">
                  {page.number(order.number)}
                </Text>
              </BlockStack>
            </Card>
            <TakenLines order={order} />
            <Section
              title={words.taking.payment.title}
              aside={
                <Text as="span" tone="subdued">
                  {words.taking.payment[order.payment]}
                </Text>
              }
            >
              <TakenTotalsList totals={order.totals} currency={order.currency} />
            </Section>
          </BlockStack>
        </Layout.Section>
        <Layout.Section variant="oneThird">
          <BlockStack gap="400">
            <Section title={words.taking.customer.title}>
              <BlockStack gap="200">
                <Text as="p">
                  <CustomerName name={order.customer?.name ?? null} />
                </Text>
                {order.customer?.email && (
                  <Text as="p" breakWord>
                    <Name>{order.customer.email}</Name>
                  </Text>
                )}
                {order.shippingAddress && <AddressLines address={order.shippingAddress} />}
              </BlockStack>
            </Section>
            {order.note && (
              <Section title={words.taking.note}>
                <span className="ek-note">
                  <Name>{order.note}</Name>
                </span>
              </Section>
            )}
          </BlockStack>
        </Layout.Section>
      </Layout>
    </Page>
  );

  function statusOf({ payment }: Pick<TakenOrder, "payment">): string {
    if (change.state === "discarded") return page.discarded;
    return change.state === "done" && payment === "invoice" ? page.invoiceSent : page.packNow;
  }
}

export const meta = pageTitle<SerializeFrom<typeof loader>>((words, data) =>
  data ? words.taking.page.title(data.order.number) : words.notFound.order.title,
);

export function ErrorBoundary() {
  return <RouteErrorBoundary />;
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
