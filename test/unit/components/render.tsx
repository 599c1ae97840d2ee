import { AppProvider } from "@shopify/polaris";
import english from "@shopify/polaris/locales/en.json" with { type: "json" };
import type { ReactNode } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { createStaticRouter, StaticRouterProvider } from "react-router-dom/server";
import { LocalisationProvider } from "../../../app/components/localisation.tsx";
import type { Presentation } from "../../../app/words/presentation.ts";

/** The moment at which the tests' pages are rendered. */
export const now = new Date("2026-11-21T09:42:07Z");

/** A page's piece as the server sends it, in a shop in Berlin. */
export function render(piece: ReactNode, presentation: Partial<Presentation> = {}): string {
  const page = (
    <AppProvider i18n={english}>
      <LocalisationProvider
        presentation={{
          locale: "en",
          timeZone: "Europe/Berlin",
          currency: "EUR",
          phone: false,
          renderedAt: now,
          ...presentation,
        }}
      >
        {piece}
      </LocalisationProvider>
    </AppProvider>
  );
  const routes = [{ id: "page", path: "*", element: page }];
  const location = { pathname: "/app", search: "", hash: "", state: null, key: "default" };
  const context = {
    basename: "/",
    location,
    matches: [{ params: {}, pathname: "/app", pathnameBase: "/", route: routes[0]! }],
    loaderData: {},
    actionData: null,
    errors: null,
    statusCode: 200,
    loaderHeaders: {},
    actionHeaders: {},
    activeDeferreds: null,
  };
  return renderToStaticMarkup(
    <StaticRouterProvider
      router={createStaticRouter(routes, context)}
      context={context}
      hydrate={false}
    />,
  );
}

/** What a reader reads, without the markup. */
export function textOf(markup: string): string {
  return markup
    .replaceAll(/<[^>]+>/g, " ")
    .replaceAll(/&#x27;/g, "'")
    .replaceAll(/\s+/g, " ")
    .trim();
}
