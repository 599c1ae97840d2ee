import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** The smallest embedded app: enough to see what an admin and its App Bridge do for one. */
export interface FixtureApp extends AsyncDisposable {
  readonly url: string;
  /** Authorization headers of the requests to /api, oldest first. */
  readonly authorizations: (string | undefined)[];
  /** Lets the next request to /api be refused as one whose session token would not do. */
  refuseOnce(): void;
}

export interface FixtureAppOptions {
  appBridgeUrl: () => string;
  frameAncestors: () => string;
}

/** Starts it on a free port of localhost. */
export async function startFixtureApp(options: FixtureAppOptions): Promise<FixtureApp> {
  const authorizations: (string | undefined)[] = [];
  let refusing = false;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://fixture");
    if (url.pathname === "/api") return api(request, response);
    if (url.pathname === "/bounce") return html(response, script());
    if (!url.searchParams.has("id_token")) {
      const target = `${url.pathname}?${url.searchParams}`;
      url.searchParams.set("shopify-reload", target);
      response.writeHead(302, { location: `/bounce?${url.searchParams}` }).end();
      return;
    }
    html(response, page(url.pathname));
  });
  function api(request: IncomingMessage, response: ServerResponse) {
    authorizations.push(request.headers.authorization);
    const headers = refusing ? { "X-Shopify-Retry-Invalid-Session-Request": "1" } : {};
    response.writeHead(refusing ? 401 : 200, { "content-type": "application/json", ...headers });
    refusing = false;
    response.end(JSON.stringify({ ok: true }));
  }
  function html(response: ServerResponse, body: string) {
    response.writeHead(200, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": `frame-ancestors ${options.frameAncestors()}`,
    });
    response.end(`<!doctype html><meta charset="utf-8"><title>Fixture</title>${body}`);
  }
  const script = () => `<script data-api-key="key" src="${options.appBridgeUrl()}"></script>`;
  const page = (path: string) => `${script()}
    <ui-nav-menu><a href="/app" rel="home">Home</a><a href="/app/orders">Orders</a><a href="/app/stock">Stock</a></ui-nav-menu>
    <ui-title-bar title="Fixture page"><button variant="primary" onclick="say('primary clicked')">Create</button>
      <section label="More actions"><button onclick="say('printed')">Print</button></section></ui-title-bar>
    <h1>${path}</h1>
    <form data-save-bar data-discard-confirmation onsubmit="event.preventDefault(); say('saved ' + this.note.value)"><input name="note" aria-label="Note" value="first"></form>
    <a href="shopify://admin/orders/1001">In Shopify</a>
    <p id="said"></p>
    <script>
      const say = (text) => { document.querySelector("#said").textContent = text; };
      document.addEventListener("shopify:navigate", (event) => {
        history.pushState({}, "", event.target.getAttribute("href"));
        document.querySelector("h1").textContent = location.pathname;
      });
      window.addEventListener("offline", () => say("offline " + navigator.onLine));
    </script>`;
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    authorizations,
    refuseOnce: () => {
      refusing = true;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
