import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { PlatformSession, SECRET } from "./shopify-platform/session.ts";

const program = fileURLToPath(new URL("./shopify-platform/stock-library.ts", import.meta.url));

it("Shopify's own library signs in, asks, and finds webhooks and proxy requests genuine", async () => {
  const session = await PlatformSession.start({
    app: {
      webhooks: [{ topic: "orders/create", uri: "/webhooks" }],
      proxy: { prefix: "apps", subpath: "evenkeel", url: "/proxy" },
    },
  });
  const { shop, shopify, app } = session;
  shop.emit("orders/create", { id: 1 });
  await app.has(1);
  await fetch(`${shopify.storefront(shop.domain).url}/apps/evenkeel/availability?ids=1`);
  await app.has(2);
  const [webhook, visit] = app.received;

  const { stdout } = await promisify(execFile)(process.execPath, [program], {
    env: {
      ...process.env,
      ...shopify.environment(),
      SHOP: shop.domain,
      SESSION_TOKEN: shopify.sessionToken(shop.domain),
      API_KEY: "sandbox-key",
      SECRET,
      WEBHOOK: JSON.stringify({ headers: webhook!.headers, body: webhook!.body.toString() }),
      PROXY_QUERY: new URL(visit!.path, app.url).search,
    },
  });
  await session.close();

  expect(JSON.parse(stdout)).toMatchObject({
    session: { id: `offline_${shop.domain}`, scope: "read_products,write_inventory,write_orders" },
    data: { shop: { name: "Mini shop" } },
    webhook: { valid: true, topic: "ORDERS_CREATE", domain: shop.domain, apiVersion: "2026-10" },
    proxy: true,
  });
});
