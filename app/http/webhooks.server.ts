import type { RequestHandler } from "express";
import type { Intake } from "../webhooks/intake.server.ts";

/** Shopify's largest payloads, orders of thousands of lines, stay well below this. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

const REFUSED_BODY_GRACE_MS = 1_000;

/**
 * `POST /webhooks`: plain Node before Remix, so that an answer depends on the signature and the database alone.
 * The raw body is read here, since the signature covers its bytes.
 */
export function webhooksHandler(intake: Intake): RequestHandler {
  return (request, response) => {
    if (request.method !== "POST") {
      response.status(405).set("allow", "POST").send("Webhooks are sent with POST.\n");
      return;
    }
    if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) {
      response.status(413).set("connection", "close").send("The body is too large.\n");
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
      else if (!response.headersSent) {
        response.status(413).set("connection", "close").send("The body is too large.\n");
        // A connection that is reset at once takes the answer with it: what still comes is read and dropped.
        setTimeout(() => request.destroy(), REFUSED_BODY_GRACE_MS).unref();
      }
    });
    // The sender went away before the body was whole: there is nobody to answer.
    request.on("error", () => response.destroy());
    request.on("end", () => {
      if (response.headersSent) return;
      void intake
        .receive(request.headers, Buffer.concat(chunks))
        .then(({ status, message, retryAfterSeconds }) => {
          // Node's own way: Express would make an ETag of each answer.
          response.statusCode = status;
          response.setHeader("content-type", "text/plain; charset=utf-8");
          if (retryAfterSeconds !== undefined) response.setHeader("retry-after", retryAfterSeconds);
          response.end(`${message}\n`);
        });
    });
  };
}
