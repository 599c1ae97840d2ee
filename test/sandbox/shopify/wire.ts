import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Delivered, Reply } from "./reply.ts";

/** A request body larger than this is not read; Shopify's own limit is not published. */
const BODY_LIMIT_BYTES = 20 * 1024 * 1024;

/** Where a streamed body breaks off when nobody says where. */
const CUT_BYTES = 64 * 1024;

/** Reads a request's body; undefined when it is too large to be read. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= BODY_LIMIT_BYTES) chunks.push(chunk);
  }
  return length > BODY_LIMIT_BYTES ? undefined : Buffer.concat(chunks).toString("utf8");
}

/**
 * Puts an answer on the wire, whole, cut off, or not at all.
 *
 * @param reset Cuts the connection with a TCP reset.
 */
export async function deliver(
  response: ServerResponse,
  delivered: Delivered,
  reset: () => void,
): Promise<void> {
  switch (delivered.how) {
    case "whole":
      return send(response, delivered.reply);
    case "cut":
      return send(response, delivered.reply, delivered.bytes ?? "half-way");
    case "reset":
      return reset();
    case "never":
      return;
  }
}

async function send(
  response: ServerResponse,
  reply: Reply,
  cutAt?: number | "half-way",
): Promise<void> {
  if (response.destroyed) return;
  const { status, headers, body } = reply;
  const common = { ...headers, "x-request-id": randomUUID() };
  if (typeof body !== "function") {
    const bytes = Buffer.from(body);
    response.writeHead(status, { ...common, "content-length": bytes.length });
    if (cutAt === undefined) response.end(bytes);
    else {
      const cut = cutAt === "half-way" ? Math.floor(bytes.length / 2) : cutAt;
      response.write(bytes.subarray(0, cut), () => response.socket?.end());
    }
    return;
  }
  response.writeHead(status, common);
  let left = cutAt === undefined ? Infinity : cutAt === "half-way" ? CUT_BYTES : cutAt;
  for await (const chunk of body()) {
    if (response.destroyed) return;
    const bytes = Buffer.from(chunk);
    const flowing = response.write(bytes.subarray(0, left));
    left -= bytes.length;
    if (left <= 0) {
      response.socket?.end();
      return;
    }
    if (!flowing) await writable(response);
  }
  response.end();
}

/** Resolves when there is room for more, or nobody left to take it. */
async function writable(response: ServerResponse): Promise<void> {
  // Whichever does not come is no longer waited for: a long answer has thousands of such waits.
  const over = new AbortController();
  const { signal } = over;
  try {
    await Promise.race([once(response, "drain", { signal }), once(response, "close", { signal })]);
  } finally {
    over.abort();
  }
}
