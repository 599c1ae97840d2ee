import type { HeadersFunction, LinksFunction, LoaderFunctionArgs } from "@remix-run/node";
import { Link, Outlet, useLoaderData } from "@remix-run/react";
import polarisStyles from "@shopify/polaris/build/esm/styles.css?url";
import { AppProvider } from "@shopify/shopify-app-remix/react";
import { boundary } from "@shopify/shopify-app-remix/server";
import { useAdminLinks } from "../components/admin-links.ts";
import { RouteErrorBoundary } from "../components/error-boundary.tsx";
import { LocalisationProvider, useWords } from "../components/localisation.tsx";
import { ModeBanners } from "../components/modes.tsx";
import { PendingPage } from "../components/pending-page.tsx";
import { useChanges } from "../components/useChanges.ts";
import { useRememberedAdmin } from "../components/way-back.tsx";
import { defaultSettings } from "../settings/settings.ts";
import { adminAddress } from "../shopify/admin-address.server.ts";
import { merchant } from "../shopify/sign-in.server.ts";
import { readPresentation } from "../words/presentation.ts";

export const links: LinksFunction = () => [
  // Polaris is drawn for Inter and does not bring it along.
  { rel: "preconnect", href: "https://cdn.shopify.com/" },
  { rel: "stylesheet", href: "https://cdn.shopify.com/static/fonts/inter/v4/styles.css" },
  { rel: "stylesheet", href: polarisStyles },
];

export async function loader({ request, context }: LoaderFunctionArgs) {
  const { shop, user } = await merchant(request, context);
  // The frame stands even where the shop's details cannot be had: the page in it says what is away.
  const details = await context.services.pages.getShop(shop).then(
    ({ value }) => value,
    () => null,
  );
  const settings = await context.services.pages.getSettings(shop).then(
    ({ value }) => value,
    () => defaultSettings,
  );
  const { readOnly, shopifyAway } = settings;
  return {
    modes: { readOnly, shopifyAway },
    user,
    admin: adminAddress(context.services.config, shop),
    presentation: readPresentation(request, details),
  };
}

export default function AppLayout() {
  const { admin, presentation, modes, user } = useLoaderData<typeof loader>();
  useChanges();
  useAdminLinks(admin);
  useRememberedAdmin(admin);
  return (
    // App Bridge is already in <head>: `isEmbeddedApp` would put a second script into the body.
    <AppProvider isEmbeddedApp={false} apiKey="">
      <LocalisationProvider presentation={presentation}>
        <Navigation />
        <ModeBanners modes={modes} viewer={user} />
        <PendingPage>
          <Outlet />
        </PendingPage>
      </LocalisationProvider>
    </AppProvider>
  );
}

function Navigation() {
  const { pages } = useWords();
  return (
    <ui-nav-menu>
      <Link to="/app" rel="home">
        {pages.overview}
      </Link>
      <Link to="/app/orders">{pages.orders}</Link>
      <Link to="/app/inventory">{pages.inventory}</Link>
      <Link to="/app/products">{pages.products}</Link>
      <Link to="/app/resilience">{pages.resilience}</Link>
      <Link to="/app/settings">{pages.settings}</Link>
    </ui-nav-menu>
  );
}

/** The frame itself has failed: its words and its clock are gone with it. */
export function ErrorBoundary() {
  return (
    <AppProvider isEmbeddedApp={false} apiKey="">
      <main>
        <RouteErrorBoundary />
      </main>
    </AppProvider>
  );
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
