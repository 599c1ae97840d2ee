import type { HeadersFunction, LoaderFunctionArgs } from "@remix-run/node";
import { boundary } from "@shopify/shopify-app-remix/server";
import { merchant } from "../shopify/sign-in.server.ts";

/** The library's own pages: the one that fetches a fresh session token, and the way out of the frame. */
export async function loader({ request, context }: LoaderFunctionArgs) {
  await merchant(request, context);
  return null;
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
