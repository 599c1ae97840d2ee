import type { HeadersFunction, LoaderFunctionArgs } from "@remix-run/node";
import { useLoaderData } from "@remix-run/react";
import { boundary } from "@shopify/shopify-app-remix/server";
import { RouteErrorBoundary } from "../components/error-boundary.tsx";
import { pageTitle } from "../components/page-title.ts";
import { SlipsPage } from "../components/slips-page.tsx";
import { answering, notFound } from "../http/problems.server.ts";
import { parseId } from "../list-query.ts";
import { merchant } from "../shopify/sign-in.server.ts";

export async function loader({ request, context, params }: LoaderFunctionArgs) {
  return answering({ request, context }, async () => {
    const { shop } = await merchant(request, context);
    const { pages } = context.services;
    const id = parseId(params.id);
    if (id === null) throw notFound("order");
    const [order, details] = await Promise.all([pages.getOrder(shop, id), pages.getShop(shop)]);
    if (!order.value) throw notFound("order");
    return { order: order.value, shopName: details.value?.name ?? shop };
  });
}

export default function PackingSlipPage() {
  const { order, shopName } = useLoaderData<typeof loader>();
  return (
    <SlipsPage
      orders={[order]}
      shopName={shopName}
      back={{ content: order.name, url: `/app/orders/${order.id}` }}
    />
  );
}

export const meta = pageTitle((words) => words.pages.packingSlip);

export function ErrorBoundary() {
  return <RouteErrorBoundary />;
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
