import type { CommandState, Ring } from "./types.ts";

/** Where a change that is in the database stands on its way inward. */
export function ringOf(state: CommandState): Ring {
  switch (state) {
    case "accepted":
    case "sending":
    case "unknown":
      return "shopify";
    case "held":
      return "server";
    case "failed":
      return "needs-you";
    case "done":
    case "discarded":
      return "done";
  }
}
