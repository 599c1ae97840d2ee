import type { RequestHandler } from "express";
import { OWN_WRITES_HEADER } from "../components/own-writes.ts";
import type { Cluster } from "../database/cluster.ts";
import { formatMark, OwnWrites, parseMark } from "../database/own-writes.ts";

/** Lets a request's reads see what the browser has written before, as far as it says so. */
export function readOwnWrites(cluster: Cluster): RequestHandler {
  return (request, _response, next) => {
    const own = new OwnWrites(parseMark(request.get(OWN_WRITES_HEADER)));
    cluster.withOwnWrites(own, next);
  };
}

/** Tells the browser where to find what this request has written. */
export function tellOwnWrites(cluster: Cluster, response: Response): Response {
  const own = cluster.ownWrites;
  if (own?.written && own.mark) response.headers.set(OWN_WRITES_HEADER, formatMark(own.mark));
  return response;
}
