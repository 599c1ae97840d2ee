import type { HeadersFunction, LoaderFunctionArgs } from "@remix-run/node";
import { boundary } from "@shopify/shopify-app-remix/server";
import { merchant } from "../shopify/sign-in.server.ts";

/** What open pages ask again and again: has anything changed, and is anything on its way? */
export async function loader({ request, context }: LoaderFunctionArgs) {
  const { shop } = await merchant(request, context);
  const mark = await context.services.pages.changeMark(shop);
  return Response.json(mark, { headers: { "cache-control": "no-store" } });
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
