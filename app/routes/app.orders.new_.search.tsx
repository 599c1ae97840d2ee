import type { HeadersFunction, LoaderFunctionArgs } from "@remix-run/node";
import { boundary } from "@shopify/shopify-app-remix/server";
import { answering } from "../http/problems.server.ts";
import { readText } from "../list-query.ts";
import { merchant } from "../shopify/sign-in.server.ts";

/** What a search finds while an order is taken; null for what cannot be searched just now. */
export async function loader({ request, context }: LoaderFunctionArgs) {
  return answering({ request, context }, async () => {
    const { shop } = await merchant(request, context);
    const { pages } = context.services;
    const { searchParams } = new URL(request.url);
    const text = readText(searchParams, "q");
    if (searchParams.get("for") === "customers") {
      const customers = await pages.findCustomers(shop, text).catch(() => null);
      return { text, variants: null, customers: customers?.value ?? null };
    }
    const variants = await pages.findVariants(shop, text).catch(() => null);
    return { text, variants: variants?.value ?? null, customers: null };
  });
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
