import { randomUUID } from "node:crypto";
import type { ActiveFault, LossOfAnswer } from "./faults.ts";
import { htmlReply, jsonReply, spoil, type Delivered, type Reply } from "./reply.ts";

/** What became of a request inside, whether or not the app is told. */
export interface Outcome {
  readonly reply: Reply;
  readonly requestedCost?: number;
  readonly actualCost?: number;
  readonly throttled?: boolean;
}

/** What the player needs of the request that a fault strikes. */
export interface StruckRequest {
  /** Lets the request take effect; `mutationMs` is for how long its mutations are under way. */
  readonly run: (mutationMs?: number) => Promise<Outcome>;
  /** The answer to it when the bucket is empty. */
  readonly throttled: () => Reply;
  readonly now: Date;
  readonly random: () => number;
  /** Resolves after some time, or never when the sandbox is closed meanwhile. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Takes an effect that is still to come. */
  readonly later: (effect: Promise<unknown>) => void;
}

export interface Struck {
  readonly delivered: Delivered;
  /** Present when the request took effect before anything was delivered. */
  readonly outcome?: Outcome;
}

/** Does to a request what a fault says. */
export async function playFault(fault: ActiveFault, request: StruckRequest): Promise<Struck> {
  const { run } = request;
  switch (fault.kind) {
    case "throttled":
      return answer(request.throttled());
    case "http-429":
      return answer(
        tooManyRequests(fault.retryAfterSeconds ?? 2, fault.retryAfterDate, request.now),
      );
    case "http-500":
      return answer(htmlReply(500, "Something went wrong."));
    case "http-502":
    case "http-504": {
      if (!fault.applied) return answer(gateway(fault.kind));
      return { ...answer(gateway(fault.kind)), outcome: await run() };
    }
    case "http-503":
      return answer(unavailable(fault.retryAfterSeconds));
    case "http-401":
      return answer(
        jsonReply(401, {
          errors: "[API] Invalid API key or access token (unrecognized login or wrong password)",
        }),
      );
    case "http-402":
      return answer(jsonReply(402, { errors: "Unavailable Shop" }));
    case "http-403":
      return answer(jsonReply(403, { errors: "Forbidden" }));
    case "ip-not-allowed":
      return answer(
        jsonReply(403, {
          errors: "The IP address of this request is not on the app's IP allowlist.",
        }),
      );
    case "http-423":
      return answer(jsonReply(423, { errors: "Locked" }));
    case "http-430":
      return answer(htmlReply(430, "Shopify Security Rejection"));
    case "internal-server-error":
      return answer(jsonReply(200, { errors: [internalError(randomUUID())] }));
    case "latency": {
      const waitMs = fault.ms + request.random() * (fault.jitterMs ?? 0);
      const outcome = await run(fault.inside ? waitMs : undefined);
      if (!fault.inside) await request.sleep(waitMs);
      return { ...answer(outcome.reply), outcome };
    }
    case "timeout":
      return { delivered: { how: "never" } };
    case "reset_peer":
      return { delivered: { how: "reset" } };
    case "limit_data": {
      const outcome = await run();
      const { reply } = outcome;
      const bytes = fault.bytes === undefined ? {} : { bytes: fault.bytes };
      return { delivered: { how: "cut", reply, ...bytes }, outcome };
    }
    case "malformed-body": {
      const outcome = await run();
      return { ...answer(spoil(outcome.reply)), outcome };
    }
    case "answer-lost":
      return { delivered: loss(fault.how), outcome: await run() };
    case "applied-late":
      request.later(request.sleep(fault.ms).then(() => run()));
      return { delivered: loss(fault.how) };
    case "down":
      return fault.how === "http-503"
        ? answer(unavailable(undefined))
        : { delivered: { how: "reset" } };
  }
}

/** An error that broke something inside, as Shopify shows it. */
export function internalError(requestId: string) {
  return {
    message: `Internal error. Looks like something went wrong on our end.\nRequest ID: ${requestId} (include this in support requests).`,
    extensions: { code: "INTERNAL_SERVER_ERROR", requestId },
  };
}

function answer(reply: Reply): Struck {
  return { delivered: { how: "whole", reply } };
}

function loss(how: LossOfAnswer = "reset_peer"): Delivered {
  switch (how) {
    case "reset_peer":
      return { how: "reset" };
    case "timeout":
      return { how: "never" };
    case "http-502":
    case "http-504":
      return { how: "whole", reply: gateway(how) };
  }
}

function gateway(kind: "http-502" | "http-504"): Reply {
  return kind === "http-502"
    ? htmlReply(502, "502 Bad Gateway")
    : htmlReply(504, "504 Gateway Time-out");
}

function unavailable(retryAfterSeconds: number | undefined): Reply {
  return htmlReply(
    503,
    "Service Unavailable",
    retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) },
  );
}

function tooManyRequests(seconds: number, asDate: boolean | undefined, now: Date): Reply {
  const after = asDate
    ? new Date(now.getTime() + seconds * 1_000).toUTCString()
    : seconds.toFixed(1);
  return jsonReply(
    429,
    {
      errors:
        "Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service.",
    },
    { "retry-after": after },
  );
}
