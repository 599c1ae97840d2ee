import type { LoaderFunctionArgs } from "@remix-run/node";
import {
  Links,
  Meta,
  Outlet,
  Scripts,
  ScrollRestoration,
  useRouteLoaderData,
} from "@remix-run/react";
import type { ReactNode } from "react";
import { EarlyNavigation } from "./components/early-navigation.tsx";

const APP_BRIDGE_URL = "https://cdn.shopify.com/shopifycloud/app-bridge.js";

export function loader({ context }: LoaderFunctionArgs) {
  const { apiKey, appBridgeUrl } = context.services.config.shopify;
  return { apiKey, appBridgeUrl: appBridgeUrl ?? APP_BRIDGE_URL };
}

/** The client id is public and never changes: no navigation has to ask for it again. */
export const shouldRevalidate = () => false;

export function Layout({ children }: { readonly children: ReactNode }) {
  const data = useRouteLoaderData<typeof loader>("root");
  return (
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        {/* App Bridge insists on being the first script of the document. */}
        {data && <script src={data.appBridgeUrl} data-api-key={data.apiKey} />}
        <EarlyNavigation />
        <Meta />
        <Links />
      </head>
      <body>
        {children}
        <ScrollRestoration />
        <Scripts />
      </body>
    </html>
  );
}

export default function App() {
  return <Outlet />;
}
