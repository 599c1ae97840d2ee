import { PassThrough } from "node:stream";
import {
  createReadableStreamFromReadable,
  type ActionFunctionArgs,
  type AppLoadContext,
  type EntryContext,
  type LoaderFunctionArgs,
} from "@remix-run/node";
import { RemixServer } from "@remix-run/react";
import { isbot } from "isbot";
import { renderToPipeableStream } from "react-dom/server";
import { tellOwnWrites } from "./http/own-writes.server.ts";

/** How long deferred data may hold a page open. */
export const streamTimeout = 5000;

export default function handleRequest(
  request: Request,
  status: number,
  headers: Headers,
  remixContext: EntryContext,
  { services }: AppLoadContext,
): Promise<Response> {
  services.shopify.addDocumentResponseHeaders(request, headers);
  const { resolve, reject, promise } = Promise.withResolvers<Response>();
  let statusCode = status;
  const respond = () => {
    const body = new PassThrough();
    headers.set("Content-Type", "text/html; charset=utf-8");
    resolve(new Response(createReadableStreamFromReadable(body), { headers, status: statusCode }));
    pipe(body);
  };
  const { pipe, abort } = renderToPipeableStream(
    <RemixServer context={remixContext} url={request.url} abortDelay={streamTimeout} />,
    {
      // Crawlers read one whole document; people see the shell as soon as it is there.
      [isbot(request.headers.get("user-agent") ?? "") ? "onAllReady" : "onShellReady"]: respond,
      onShellError: reject,
      onError(error) {
        statusCode = 500;
        services.logger.error({ err: error }, "a page failed to render");
      },
    },
  );
  setTimeout(abort, streamTimeout + 1000).unref();
  return promise;
}

/** The answers to what the pages' own code asks for: data, and how a change went. */
export function handleDataRequest(
  response: Response,
  { context }: LoaderFunctionArgs | ActionFunctionArgs,
): Response {
  return tellOwnWrites(context.services.cluster, response);
}

/** Errors of loaders and actions. What they carry is logged here once; the boundary shows a reference to it. */
export function handleError(
  error: unknown,
  { request, context }: LoaderFunctionArgs | ActionFunctionArgs,
): void {
  if (request.signal.aborted) return;
  const { pathname } = new URL(request.url);
  const requestId = request.headers.get("x-request-id");
  context.services.logger.error({ requestId, path: pathname, err: error }, "a request failed");
}
