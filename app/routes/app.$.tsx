import type { HeadersFunction, LoaderFunctionArgs } from "@remix-run/node";
import { boundary } from "@shopify/shopify-app-remix/server";
import { RouteErrorBoundary } from "../components/error-boundary.tsx";
import { pageTitle } from "../components/page-title.ts";
import { answering, notFound } from "../http/problems.server.ts";
import { merchant } from "../shopify/sign-in.server.ts";

/** Every address of the app that leads nowhere. */
export async function loader({ request, context }: LoaderFunctionArgs): Promise<null> {
  return answering({ request, context }, async () => {
    await merchant(request, context);
    throw notFound("page");
  });
}

export default function Nowhere() {
  return null;
}

export const meta = pageTitle((words) => words.notFound.page.title);

export function ErrorBoundary() {
  return <RouteErrorBoundary />;
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
