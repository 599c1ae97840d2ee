import { createHmac } from "node:crypto";
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { request as httpsRequest } from "node:https";
import type { AppProxyConfig } from "./app-toml.ts";

/** How long the storefront waits for an app. Not published; assumed. */
const DEADLINE_MS = 10_000;

/** Neither direction carries these: cookies are not supported (docs: About app proxies), the rest is per hop. */
const DROPPED = new Set([
  "connection",
  "content-length",
  "cookie",
  "host",
  "keep-alive",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What Shopify adds to a request that it forwards to the app. */
export interface AppProxyVisit {
  shop: string;
  secret: string;
  /** Numeric id of the customer who is signed in to the storefront. */
  customerId?: string;
  now: Date;
}

/**
 * The signed parameters of a forwarded request: all of them sorted as `name=value`, values of the same
 * name joined by commas, put together without separators (docs: Authenticate app proxies).
 */
export function signProxyParameters(
  parameters: URLSearchParams,
  config: AppProxyConfig,
  visit: AppProxyVisit,
): URLSearchParams {
  const signed = new URLSearchParams(parameters);
  signed.delete("signature");
  signed.set("shop", visit.shop);
  signed.set("logged_in_customer_id", visit.customerId ?? "");
  signed.set("path_prefix", `/${config.prefix}/${config.subpath}`);
  signed.set("timestamp", String(Math.floor(visit.now.getTime() / 1_000)));
  const text = [...new Set(signed.keys())]
    .map((name) => `${name}=${signed.getAll(name).join(",")}`)
    .sort()
    .join("");
  signed.set("signature", createHmac("sha256", visit.secret).update(text).digest("hex"));
  return signed;
}

/**
 * Forwards a storefront's request to the app and its answer back.
 *
 * @param rest What follows `/{prefix}/{subpath}` in the path.
 */
export function forwardToApp(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  options: {
    config: AppProxyConfig;
    appUrl: string;
    rest: string;
    parameters: URLSearchParams;
    visit: AppProxyVisit;
  },
): void {
  const { config, appUrl, rest, parameters, visit } = options;
  const target = new URL(config.url, appUrl);
  target.pathname = `${target.pathname.replace(/\/$/, "")}${rest}`;
  target.search = signProxyParameters(parameters, config, visit).toString();
  const send = target.protocol === "https:" ? httpsRequest : httpRequest;
  const request = send(target, {
    method: incoming.method ?? "GET",
    headers: {
      ...kept(incoming.headers),
      "x-forwarded-host": visit.shop,
      "x-forwarded-for": incoming.socket.remoteAddress ?? "127.0.0.1",
    },
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  request.on("response", (response) => {
    outgoing.writeHead(response.statusCode ?? 502, kept(response.headers));
    response.pipe(outgoing);
    response.on("error", () => outgoing.destroy());
  });
  request.on("error", () => {
    if (outgoing.headersSent) outgoing.destroy();
    else {
      outgoing.writeHead(502, { "content-type": "text/html; charset=utf-8" });
      outgoing.end(
        "<!doctype html><title>502</title><h1>There was an error in the third-party application.</h1>",
      );
    }
  });
  outgoing.on("close", () => request.destroy());
  incoming.pipe(request);
}

function kept(headers: IncomingMessage["headers"]): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).filter(
      (entry): entry is [string, string | string[]] =>
        entry[1] !== undefined && !DROPPED.has(entry[0]),
    ),
  );
}
