import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readAppToml } from "../../sandbox/shopify/app-toml.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "evenkeel-toml-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function read(text: string) {
  const path = join(folder, "shopify.app.toml");
  writeFileSync(path, text);
  return readAppToml(path);
}

const HEAD = `
client_id = "abc"
name = "Evenkeel"
application_url = "https://evenkeel.example.com"
[access_scopes]
scopes = "read_orders, write_inventory"
`;

describe("an app's configuration", () => {
  it("is read with one subscription per topic, compliance topics included", () => {
    const toml = read(`${HEAD}
      [webhooks]
      api_version = "2026-10"
      [[webhooks.subscriptions]]
      topics = ["orders/create", "orders/updated"]
      uri = "/webhooks"
      include_fields = ["id", "updated_at"]
      [[webhooks.subscriptions]]
      compliance_topics = ["shop/redact"]
      uri = "https://evenkeel.example.com/webhooks/compliance"
    `);
    expect(toml.scopes).toEqual(["read_orders", "write_inventory"]);
    expect(toml.webhooks).toEqual([
      { topic: "orders/create", uri: "/webhooks", includeFields: ["id", "updated_at"] },
      { topic: "orders/updated", uri: "/webhooks", includeFields: ["id", "updated_at"] },
      { topic: "shop/redact", uri: "/webhooks/compliance" },
    ]);
    expect(toml.proxy).toBeUndefined();
  });

  it("has its app proxy's address made a path where it is the app's own", () => {
    const toml = read(`${HEAD}
      [webhooks]
      api_version = "2026-10"
      [app_proxy]
      url = "https://evenkeel.example.com/proxy"
      subpath = "evenkeel"
      prefix = "apps"
    `);
    expect(toml.proxy).toEqual({ url: "/proxy", subpath: "evenkeel", prefix: "apps" });
  });

  it("is refused where it asks for what the sandbox does not play, or leaves something out", () => {
    const webhooks = (subscription: string) =>
      `${HEAD}\n[webhooks]\napi_version = "2026-10"\n[[webhooks.subscriptions]]\ntopics = ["orders/create"]\n${subscription}`;
    expect(() => read(webhooks('uri = "pubsub://a:b"'))).toThrow("over HTTP only");
    expect(() => read(webhooks('uri = "/w"\nfilter = "id:1"'))).toThrow("filters");
    expect(() => read(webhooks(""))).toThrow("uri of a webhook subscription is missing");
    expect(() => read(HEAD)).toThrow("webhooks.api_version is missing");
    expect(() => read('name = "x"')).toThrow("application_url is missing");
  });
});
