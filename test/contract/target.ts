import { fileURLToPath } from "node:url";
import { API_VERSION, readAppToml, startShopify } from "../sandbox/shopify/index.ts";
import { createShops } from "../sandbox/shopify/shop/index.ts";

/** An error as GraphQL answers carry it. */
export interface AnswerError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: { readonly code?: string; readonly [key: string]: unknown };
}

/** An answer of the Admin API. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Of the answer's `data`; typed by whoever asked. */
  readonly data: unknown;
  readonly errors: readonly AnswerError[];
  readonly cost?: {
    readonly requestedQueryCost: number;
    readonly actualQueryCost: number | null;
    readonly throttleStatus: {
      readonly maximumAvailable: number;
      readonly currentlyAvailable: number;
      readonly restoreRate: number;
    };
  };
}

export interface AskOptions {
  variables?: Record<string, unknown>;
  token?: string;
  version?: string;
}

/** The shop against which the contract is held: the sandbox's or a real development store. */
export interface ContractTarget {
  readonly name: string;
  readonly scopes: ReadonlySet<string>;
  /** Asks the Admin API once; what is throttled is asked again when the bucket has refilled. */
  ask(query: string, options?: AskOptions): Promise<Answer>;
  /** Sends something that need not be a GraphQL request. */
  post(body: string, options?: AskOptions): Promise<Answer>;
  /** Fetches a file at an address that the Admin API gave. */
  download(url: string): Promise<string>;
  close(): Promise<void>;
}

/**
 * The target that the environment names: SHOPIFY_CONTRACT_SHOP (`name.myshopify.com`) and
 * SHOPIFY_CONTRACT_TOKEN (an Admin API access token), or else the sandbox.
 *
 * @throws Error when only one of the two is set.
 */
export async function contractTarget(
  env: Readonly<Record<string, string | undefined>>,
): Promise<ContractTarget> {
  const { SHOPIFY_CONTRACT_SHOP: shop, SHOPIFY_CONTRACT_TOKEN: token } = env;
  if (shop && token) return realShop(shop, token);
  if (shop || token) {
    throw new Error("Set both SHOPIFY_CONTRACT_SHOP and SHOPIFY_CONTRACT_TOKEN, or neither.");
  }
  return sandboxShop();
}

async function realShop(shop: string, token: string): Promise<ContractTarget> {
  const base = `https://${shop}/admin`;
  const ask = asker(base, token);
  const answer = await ask("{ currentAppInstallation { accessScopes { handle } } }").catch(
    (error: unknown) => {
      throw new Error(`${shop} cannot be reached.`, { cause: error });
    },
  );
  const { currentAppInstallation: installation } = (answer.data ?? {}) as {
    currentAppInstallation?: { accessScopes: { handle: string }[] };
  };
  if (!installation) {
    throw new Error(
      `${shop} did not accept the token (HTTP ${answer.status}: ${answer.errors[0]?.message ?? "no reason given"}).`,
    );
  }
  return {
    name: shop,
    scopes: new Set(installation.accessScopes.map(({ handle }) => handle)),
    ask,
    post: (body, options) => send(base, token, body, options),
    download: async (url) => (await fetch(url)).text(),
    close: () => Promise.resolve(),
  };
}

async function sandboxShop(): Promise<ContractTarget> {
  const toml = readAppToml(fileURLToPath(new URL("../../shopify.app.toml", import.meta.url)));
  const [apiKey, secret] = ["contract-key", "contract-secret"];
  const [shop] = createShops({ orders: 300, searchLagMs: 0 });
  if (!shop) throw new Error("The sandbox made no shop.");
  const shopify = await startShopify({
    app: { apiKey, secret, url: () => "http://127.0.0.1:1", scopes: toml.scopes, webhooks: [] },
    shops: [shop],
  });
  const base = `${shopify.origin()}/${shop.domain}/admin`;
  const exchanged = await fetch(`${base}/oauth/access_token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      client_id: apiKey,
      client_secret: secret,
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: shopify.sessionToken(shop.domain),
      subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
      requested_token_type: "urn:shopify:params:oauth:token-type:offline-access-token",
      expiring: "1",
    }),
  });
  const { access_token: token } = (await exchanged.json()) as { access_token: string };
  return {
    name: `the sandbox (${shop.domain})`,
    scopes: new Set(toml.scopes),
    ask: asker(base, token),
    post: (body, options) => send(base, token, body, options),
    download: async (url) => {
      const { host, pathname } = new URL(url);
      return (await fetch(`${shopify.origin()}/${host}${pathname}`)).text();
    },
    close: () => shopify.close(),
  };
}

function asker(base: string, token: string): ContractTarget["ask"] {
  return async (query, options = {}) => {
    for (;;) {
      const { variables = {} } = options;
      const answer = await send(base, token, JSON.stringify({ query, variables }), options);
      const throttled = answer.errors.some(({ extensions }) => extensions?.code === "THROTTLED");
      if (!throttled || !answer.cost) return answer;
      const { requestedQueryCost, throttleStatus } = answer.cost;
      const lacking = requestedQueryCost - throttleStatus.currentlyAvailable;
      const waitMs = Math.max(200, (lacking / throttleStatus.restoreRate) * 1_000);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  };
}

async function send(
  base: string,
  token: string,
  body: string,
  options: AskOptions = {},
): Promise<Answer> {
  const response = await fetch(`${base}/api/${options.version ?? API_VERSION}/graphql.json`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-shopify-access-token": options.token ?? token,
    },
    body,
  });
  const text = await response.text();
  let parsed: {
    data?: unknown;
    errors?: unknown;
    extensions?: { cost?: NonNullable<Answer["cost"]> };
  } = {};
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch {
    // Not every refusal is JSON; the status says enough.
  }
  const { data, errors, extensions } = parsed;
  return {
    status: response.status,
    headers: response.headers,
    data,
    errors: Array.isArray(errors)
      ? (errors as AnswerError[])
      : errors === undefined
        ? []
        : [{ message: JSON.stringify(errors) }],
    ...(extensions?.cost ? { cost: extensions.cost } : {}),
  };
}
