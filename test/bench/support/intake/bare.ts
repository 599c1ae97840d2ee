import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import postgres from "postgres";
import { serveSide, sideConfig } from "./side.ts";

/* The least that keeps a webhook: its signature is checked, one row is inserted, it is answered. */
const { secret, urls, poolSize, table } = sideConfig();
const sql = postgres(urls.owner, { max: poolSize, onnotice: () => {} });

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const { headers } = request;
  const given = Buffer.from(String(headers["x-shopify-hmac-sha256"]), "base64");
  const expected = createHmac("sha256", secret).update(body).digest();
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    response.writeHead(401, { "content-length": 0 }).end();
    return;
  }
  await sql`
    insert into ${sql(table)} (shop, id, topic, api_version, event_id, triggered_at, body)
    values (
      ${String(headers["x-shopify-shop-domain"])}, ${String(headers["x-shopify-webhook-id"])},
      ${String(headers["x-shopify-topic"])}, ${String(headers["x-shopify-api-version"])},
      ${String(headers["x-shopify-event-id"])}, ${String(headers["x-shopify-triggered-at"])},
      ${body.toString()}::text::${sql.unsafe(table.endsWith("_jsonb") ? "jsonb" : "text")}
    ) on conflict do nothing`;
  response.writeHead(200, { "content-length": 0 }).end();
}

serveSide(
  (request, response) =>
    void receive(request, response).catch((error: unknown) => {
      console.error(error);
      response.writeHead(503, { "content-length": 0 }).end();
    }),
);
