import type { HeadersFunction, LoaderFunctionArgs } from "@remix-run/node";
import { useLoaderData } from "@remix-run/react";
import { boundary } from "@shopify/shopify-app-remix/server";
import { RouteErrorBoundary } from "../components/error-boundary.tsx";
import { pageTitle } from "../components/page-title.ts";
import type { SlipOrder } from "../components/packing-slip.tsx";
import { SlipsPage } from "../components/slips-page.tsx";
import { answering } from "../http/problems.server.ts";
import { takenOrToItsOrder } from "../http/taken-orders.server.ts";
import type { TakenOrder } from "../orders/taken-types.ts";
import { merchant } from "../shopify/sign-in.server.ts";

export async function loader({ request, context, params }: LoaderFunctionArgs) {
  return answering({ request, context }, async () => {
    const { shop } = await merchant(request, context);
    const { pages } = context.services;
    const { value: order } = await takenOrToItsOrder(pages, shop, params.id);
    const details = await pages.getShop(shop);
    const { id, number } = order;
    return { id, number, slip: slipOf(order), shopName: details.value?.name ?? shop };
  });
}

/** Nothing of it was sent: all of it goes into the parcel. */
function slipOf({
  number,
  takenAt,
  customer,
  shippingAddress,
  shipping,
  note,
  lines,
  currency,
}: TakenOrder): SlipOrder {
  return {
    name: number,
    placedAt: takenAt,
    shippingAddress: shippingAddress && {
      ...shippingAddress,
      name: shippingAddress.name ?? customer?.name ?? null,
    },
    shippingMethod: shipping?.title ?? null,
    note,
    lines: lines.map((line) => ({
      id: line.variantId,
      productId: null,
      title: line.title,
      variantTitle: line.variantTitle,
      sku: line.sku,
      imageUrl: null,
      quantity: line.quantity,
      currentQuantity: line.quantity,
      unfulfilledQuantity: line.quantity,
      unitPrice: { amount: line.unitPrice, currency },
      total: { amount: line.unitPrice, currency },
    })),
  };
}

export default function TakenPackingSlip() {
  const { id, number, slip, shopName } = useLoaderData<typeof loader>();
  return (
    <SlipsPage
      orders={[slip]}
      shopName={shopName}
      back={{ content: number, url: `/app/orders/taken/${id}` }}
    />
  );
}

export const meta = pageTitle((words) => words.pages.packingSlip);

export function ErrorBoundary() {
  return <RouteErrorBoundary />;
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
