import type { LedgerEntry } from "../../sandbox/shopify/shop/index.ts";
import type { Finding } from "../checker.ts";
import { drilledKinds, type Asked } from "./kinds.ts";

/** A command as the app's table has it in the end. */
export interface Stored {
  readonly id: string;
  readonly state: string;
  /** Whether the merchant is told that Shopify may have it already. */
  readonly uncertain: boolean;
}

export interface ShopifyVerdict {
  /** Acknowledged, and the app has forgotten it; or called done, and Shopify does not have it. */
  readonly lost: readonly Finding[];
  readonly appliedTwice: readonly Finding[];
  /** Nobody could say what has become of it: in no state that is shown, or on its way although nothing is in the way. */
  readonly stateless: readonly Finding[];
  /** Shown as not done, and Shopify has it. */
  readonly denied: readonly Finding[];
  /** In Shopify's books, by the app, and nobody has asked for it. */
  readonly unasked: readonly Finding[];
}

/** States in which a command may be in the end, when nothing is in its way any more. */
const ENDS: ReadonlySet<string> = new Set(["done", "failed", "held", "discarded"]);

type Entry = Pick<LedgerEntry, "mutation" | "arguments">;

/**
 * Compares what was asked for with the shop's own books, change by change, so that a loss and a double cannot cancel
 * each other out.
 *
 * @param acknowledged - The changes that merchants were told are kept.
 */
export function checkShopify(
  acknowledged: readonly Asked[],
  stored: readonly Stored[],
  ledger: readonly Entry[],
): ShopifyVerdict {
  const found = {
    lost: [] as Finding[],
    appliedTwice: [] as Finding[],
    stateless: [] as Finding[],
    denied: [] as Finding[],
    unasked: [] as Finding[],
  };
  const rows = new Map(stored.map((row) => [row.id, row]));
  const owned = new Set<Entry>();
  for (const asked of acknowledged) {
    const drilled = drilledKinds[asked.kind];
    if (!drilled) throw new Error(`The drill does not know ${asked.kind}.`);
    const add = (kind: keyof typeof found, evidence: string) =>
      found[kind].push({ key: asked.kind, operationId: asked.id, evidence });
    const row = rows.get(asked.id);
    if (!row) add("lost", "acknowledged, and the app does not know it");
    else if (!ENDS.has(row.state)) add("stateless", `is still ${row.state}`);
    for (const mutation of drilled.mutations) {
      const entries = ledger.filter(
        (entry) => entry.mutation === mutation && drilled.owns(entry, asked),
      );
      for (const entry of entries) owned.add(entry);
      const times = entries.length;
      if (times > 1) add("appliedTwice", `Shopify has applied ${mutation} ${times} times`);
      if (row?.state === "done" && times === 0) {
        add("lost", `called done, and Shopify has never applied ${mutation}`);
      }
      if ((row?.state === "failed" || row?.state === "discarded") && !row.uncertain && times > 0) {
        add("denied", `called ${row.state}, and Shopify has applied ${mutation}`);
      }
    }
  }
  for (const entry of ledger) {
    if (owned.has(entry)) continue;
    found.unasked.push({
      key: entry.mutation,
      operationId: null,
      evidence: `nobody asked for ${JSON.stringify(entry.arguments)}`,
    });
  }
  return found;
}
