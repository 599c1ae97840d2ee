import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ExecutionResult } from "graphql";
import { forwardToApp } from "./app-proxy.ts";
import type { AppProxyConfig } from "./app-toml.ts";
import type { PlatformShop } from "./platform-shop.ts";
import {
  notFoundPage,
  passwordPage,
  productListPage,
  productPage,
  type ProductBlock,
  type StorefrontProduct,
} from "./storefront-pages.ts";

const PRODUCTS_PER_PAGE = 24;

/** Path below which a shop's pictures are served. */
const PICTURES = "/cdn/pictures";

const PRODUCT_FIELDS = `
  id title handle vendor descriptionHtml
  featuredMedia { preview { image { url altText } } }
  variants(first: 100) { nodes { id title sku price availableForSale } }
`;
const LIST = `query StorefrontProducts($first: Int!, $after: String) {
  products(first: $first, after: $after, query: "status:active") {
    nodes { ${PRODUCT_FIELDS} }
    pageInfo { hasNextPage endCursor }
  }
}`;
const ONE = `query StorefrontProduct($handle: String!) {
  productByIdentifier(identifier: { handle: $handle }) { status ${PRODUCT_FIELDS} }
}`;

export interface StorefrontOptions {
  shop: PlatformShop;
  secret: string;
  proxy: AppProxyConfig | undefined;
  appUrl: () => string;
  now: () => Date;
  isInstalled: () => boolean;
  /** Reads the shop with all rights and no limits. */
  read: (document: string, variables: Record<string, unknown>) => Promise<ExecutionResult>;
  productBlock: ProductBlock | undefined;
  picture: (name: string) => string | undefined;
  /** 0 for a free one. */
  port: number;
}

/**
 * The shop as its customers see it, over plain HTTP on an origin of its own: products, and whatever the
 * app serves through the app proxy.
 */
export class Storefront {
  readonly #options: StorefrontOptions;
  readonly #server: Server;
  /** Whether everything is behind a password, the app proxy included. */
  passwordProtected = false;
  /** Numeric id of the customer who is signed in. */
  customerId: string | undefined;

  private constructor(options: StorefrontOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      void this.#handle(request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else response.writeHead(500).end(`The sandbox's storefront failed: ${String(error)}`);
      });
    });
  }

  static async start(options: StorefrontOptions): Promise<Storefront> {
    const storefront = new Storefront(options);
    await new Promise<void>((resolve, reject) => {
      storefront.#server.once("error", reject).listen(options.port, "127.0.0.1", resolve);
    });
    return storefront;
  }

  /** Where the shop's pictures can be fetched, by browsers too. */
  get picturesUrl(): string {
    return `${this.url}${PICTURES}`;
  }

  get url(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { shop, proxy, secret, now } = this.#options;
    const url = new URL(request.url ?? "/", this.url);
    if (url.pathname.startsWith(`${PICTURES}/`)) {
      const picture = this.#options.picture(
        decodeURIComponent(url.pathname.slice(PICTURES.length + 1)),
      );
      if (picture === undefined) response.writeHead(404).end();
      else {
        response.writeHead(200, {
          "content-type": "image/svg+xml",
          "cache-control": "public, max-age=31536000, immutable",
          // Pictures come from another origin than the app's, as they do from Shopify's CDN.
          "access-control-allow-origin": "*",
          "cross-origin-resource-policy": "cross-origin",
        });
        response.end(picture);
      }
      return;
    }
    if (this.passwordProtected) {
      // Recorded: an app proxy request answers with the password page too, and it is HTML.
      html(response, 200, passwordPage(shop));
      return;
    }
    const mounted = proxy && `/${proxy.prefix}/${proxy.subpath}`;
    if (mounted && (url.pathname === mounted || url.pathname.startsWith(`${mounted}/`))) {
      if (!this.#options.isInstalled()) {
        html(response, 404, notFoundPage(shop));
        return;
      }
      forwardToApp(request, response, {
        config: proxy,
        appUrl: this.#options.appUrl(),
        rest: url.pathname.slice(mounted.length),
        parameters: url.searchParams,
        visit: {
          shop: shop.domain,
          secret,
          now: now(),
          ...(this.customerId === undefined ? {} : { customerId: this.customerId }),
        },
      });
      return;
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.writeHead(405).end();
      return;
    }
    const handle = /^\/products\/([^/]+)$/.exec(url.pathname)?.[1];
    if (handle) await this.#product(response, decodeURIComponent(handle));
    else if (url.pathname === "/") await this.#list(response, url.searchParams.get("after"));
    else html(response, 404, notFoundPage(shop));
  }

  async #list(response: ServerResponse, after: string | null): Promise<void> {
    const { products } = await this.#read<{
      products: {
        nodes: StorefrontProduct[];
        pageInfo: { hasNextPage: boolean; endCursor: string | null };
      };
    }>(LIST, { first: PRODUCTS_PER_PAGE, after });
    const next = products.pageInfo.hasNextPage ? products.pageInfo.endCursor : null;
    html(response, 200, productListPage(this.#options.shop, products.nodes, next ?? undefined));
  }

  async #product(response: ServerResponse, handle: string): Promise<void> {
    const { shop, productBlock } = this.#options;
    const { productByIdentifier: product } = await this.#read<{
      productByIdentifier: (StorefrontProduct & { status: string }) | null;
    }>(ONE, { handle });
    if (product?.status !== "ACTIVE") {
      html(response, 404, notFoundPage(shop));
      return;
    }
    html(response, 200, productPage(shop, product, productBlock?.(product) ?? ""));
  }

  async #read<Data>(document: string, variables: Record<string, unknown>): Promise<Data> {
    const { data, errors } = await this.#options.read(document, variables);
    if (errors?.[0]) throw errors[0];
    return data as Data;
  }
}

function html(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "text/html; charset=utf-8" });
  response.end(body);
}
