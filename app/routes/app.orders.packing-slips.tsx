import type { HeadersFunction, LoaderFunctionArgs } from "@remix-run/node";
import { useLoaderData } from "@remix-run/react";
import { boundary } from "@shopify/shopify-app-remix/server";
import { RouteErrorBoundary } from "../components/error-boundary.tsx";
import { pageTitle } from "../components/page-title.ts";
import { useListAddressBefore } from "../components/list-memory.ts";
import { useWords } from "../components/localisation.tsx";
import { SlipsPage } from "../components/slips-page.tsx";
import { answering } from "../http/problems.server.ts";
import { parseId } from "../list-query.ts";
import { merchant } from "../shopify/sign-in.server.ts";

/** As many as the list shows on one page. */
const most = 100;

export async function loader({ request, context }: LoaderFunctionArgs) {
  return answering({ request, context }, async () => {
    const { shop } = await merchant(request, context);
    const { pages } = context.services;
    const asked = [...new Set(new URL(request.url).searchParams.getAll("order"))];
    const chosen = asked.slice(0, most);
    const details = await pages.getShop(shop);
    const orders = [];
    // One after the other: a page of slips must not take every connection from everybody else.
    for (const text of chosen) {
      const id = parseId(text);
      orders.push(id === null ? null : (await pages.getOrder(shop, id)).value);
    }
    const found = orders.filter((order) => order !== null);
    return {
      orders: found,
      shopName: details.value?.name ?? shop,
      missing: chosen.length - found.length,
      tooMany: asked.length > most,
    };
  });
}

export default function PackingSlipsPage() {
  const { orders, shopName, missing, tooMany } = useLoaderData<typeof loader>();
  const words = useWords();
  const back = useListAddressBefore("orders");
  return (
    <SlipsPage
      orders={orders}
      shopName={shopName}
      back={{ content: words.pages.orders, url: back }}
      notices={[
        ...(missing > 0 ? [words.slip.missing(missing)] : []),
        ...(tooMany ? [words.slip.tooMany(most)] : []),
      ]}
    />
  );
}

export const meta = pageTitle((words) => words.pages.packingSlips);

export function ErrorBoundary() {
  return <RouteErrorBoundary />;
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
