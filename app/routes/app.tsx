import type { HeadersFunction, LinksFunction, LoaderFunctionArgs } from "@remix-run/node";
import { Link, Outlet, useRouteError } from "@remix-run/react";
import polarisStyles from "@shopify/polaris/build/esm/styles.css?url";
import { AppProvider } from "@shopify/shopify-app-remix/react";
import { boundary } from "@shopify/shopify-app-remix/server";
import { useChanges } from "../components/useChanges.ts";
import { merchant } from "../shopify/sign-in.server.ts";

export const links: LinksFunction = () => [{ rel: "stylesheet", href: polarisStyles }];

export async function loader({ request, context }: LoaderFunctionArgs) {
  const { shop } = await merchant(request, context);
  return { shop };
}

export default function AppLayout() {
  useChanges();
  return (
    // App Bridge is already in <head>: `isEmbeddedApp` would put a second script into the body.
    <AppProvider isEmbeddedApp={false} apiKey="">
      <ui-nav-menu>
        <Link to="/app" rel="home">
          Overview
        </Link>
        <Link to="/app/orders">Orders</Link>
        <Link to="/app/inventory">Inventory</Link>
        <Link to="/app/products">Products</Link>
        <Link to="/app/resilience">Resilience</Link>
        <Link to="/app/settings">Settings</Link>
      </ui-nav-menu>
      <Outlet />
    </AppProvider>
  );
}

export function ErrorBoundary() {
  return boundary.error(useRouteError());
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
