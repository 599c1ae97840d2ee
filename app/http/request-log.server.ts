import { randomUUID } from "node:crypto";
import type { RequestHandler } from "express";
import type { Logger } from "../observability/logger.server.ts";

/** What a request id from a proxy in front of us may look like; anything else is replaced. */
const REQUEST_ID = /^[\w.-]{1,128}$/;

/**
 * Gives each request an id (or keeps the one from a proxy) and logs its outcome. Only the path is logged:
 * the query carries session tokens.
 */
export function requestLog(logger: Logger): RequestHandler {
  return (request, response, next) => {
    const given = request.get("x-request-id");
    const requestId = given && REQUEST_ID.test(given) ? given : randomUUID();
    request.headers["x-request-id"] = requestId;
    response.set("x-request-id", requestId);
    const startedAt = performance.now();
    const { path, method } = request;
    response.on("finish", () => {
      const ms = Math.round(performance.now() - startedAt);
      const line = { requestId, method, path, status: response.statusCode, ms };
      if (response.statusCode >= 500) logger.warn(line, "request");
      else logger.debug(line, "request");
    });
    next();
  };
}
