import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { commandKinds } from "../../../app/commands/types.ts";
import { readAppTables } from "../../sandbox/app-tables.ts";
import type { RequestRecord } from "../../sandbox/shopify/index.ts";
import { DrillProcess } from "../process.ts";
import { checkShopify, type ShopifyVerdict, type Stored } from "./checker.ts";
import { createShopifyEnvironment, type ShopifyEnvironment } from "./environment.ts";
import { shopifyFaults, type Scale } from "./faults.ts";
import { makeCommands } from "./kinds.ts";
import type { ShopifyWithout, ShopifyWorkerConfig, ShopifyWorkerMessage } from "./messages.ts";

/** What is played together with the fault. */
export const companions = ["crash", "kill"] as const;
export type Companion = (typeof companions)[number];

export interface ShopifyDrillOptions {
  readonly fault: string;
  readonly companion: Companion | null;
  readonly commands: number;
  /** By how much times are shorter than at Shopify: how long a change may be on its way, and how long it is waited for. */
  readonly faster: number;
  readonly without: readonly ShopifyWithout[];
  readonly progress: (step: string) => void;
  readonly signal: AbortSignal;
}

export interface ShopifyDrillRow {
  readonly fault: string;
  readonly with: Companion | null;
  readonly commands: number;
  readonly kinds: Readonly<Record<string, number>>;
  /** How long the app waits for a change that may still show, and how late the sandbox applies one. */
  readonly settleMs: number;
  readonly appliedLateMs: number;
  readonly struck: number;
  readonly struckChanges: number;
  /** What was on its way when the fault ended. */
  readonly waiting: number;
  /** From the end of the fault to the first request, and to the first change, at Shopify; null where nothing waited. */
  readonly firstCallMs: number | null;
  readonly firstChangeMs: number | null;
  readonly settledMs: number | null;
  readonly lost: number;
  readonly appliedTwice: number;
  readonly stateless: number;
  readonly denied: number;
  readonly unasked: number;
  readonly refused: number;
  readonly uncaught: number;
  readonly states: Readonly<Record<string, number>>;
  readonly load1: number;
  readonly verdict: "ok" | "FAILED";
}

export interface ShopifyDrillResult {
  readonly row: ShopifyDrillRow;
  readonly verdict: ShopifyVerdict;
  readonly refused: readonly string[];
  readonly uncaught: readonly string[];
  readonly dir: string;
}

/** How long Shopify may take to apply a change whose answer was lost: the app's own default. */
const SETTLE_MS = 60_000;
/** The sandbox applies late changes in this part of it. */
const LATE_SHARE = 0.75;
const BEFORE_FAULT = 20;
const COMPANION_AFTER_MS = 1_500;
const PROMOTE_AFTER_MS = 800;
const LOOK_MS = 250;
const IMPORT_MS = 180_000;
/** In so much time everything is through once nothing is in the way, with the queue's longest wait at that age. */
const SETTLED_MS = 240_000;

type Worker = DrillProcess<ShopifyWorkerConfig, ShopifyWorkerMessage>;

/** Plays one fault of Shopify while commands are on their way, and compares what was asked with the shop's books. */
export async function shopifyDrill(options: ShopifyDrillOptions): Promise<ShopifyDrillResult> {
  const { progress, companion, signal } = options;
  const play = shopifyFaults.get(options.fault);
  if (!play) throw new TypeError(`There is no fault ${options.fault}.`);
  progress("starting a database and a Shopify");
  await using environment = await createShopifyEnvironment(options.fault);
  const { pair, network, shopify, shop, dir } = environment;
  const settleMs = SETTLE_MS / options.faster;
  const scale: Scale = { appliedLateMs: settleMs * LATE_SHARE };
  const asked = makeCommands(shop, commandKinds, options.commands, randomUUID);
  const kinds: Record<string, number> = {};
  for (const { kind } of asked) kinds[kind] = (kinds[kind] ?? 0) + 1;

  const acknowledged = new Set<string>();
  const refused = new Map<string, string>();
  const uncaught: string[] = [];
  const seen = { struckChanges: 0, firstCallAt: NaN, firstChangeAt: NaN, healedAt: Infinity };
  shopify.traffic.on("request", ({ at, fault, operationType }: RequestRecord) => {
    if (fault !== undefined && operationType === "mutation") seen.struckChanges++;
    const ms = at.getTime();
    if (ms < seen.healedAt) return;
    seen.firstCallAt = Math.min(ms, Number.isNaN(seen.firstCallAt) ? ms : seen.firstCallAt);
    if (operationType !== "mutation") return;
    seen.firstChangeAt = Math.min(ms, Number.isNaN(seen.firstChangeAt) ? ms : seen.firstChangeAt);
  });

  await using processes = new AsyncDisposableStack();
  let imported = false;
  const journalDir = join(dir, "journal");
  await mkdir(journalDir);
  const startWorker = (): Worker => {
    const worker: Worker = new DrillProcess(
      "./shopify/worker.ts",
      {
        targets: network.reach("nodes").targets,
        journalDir,
        shop: shop.domain,
        accessToken: environment.accessToken,
        commands: asked.filter(({ id }) => !acknowledged.has(id) && !refused.has(id)),
        settleMs,
        without: options.without,
      },
      join(dir, "worker.log"),
      shopify.environment(),
    );
    worker.events.on("message", (message) => {
      if (message.type === "imported") imported = true;
      else if (message.type === "acknowledged") acknowledged.add(message.id);
      else if (message.type === "refused") refused.set(message.id, message.problems);
    });
    return processes.use(worker);
  };
  const until = async (holds: () => boolean | Promise<boolean>, limitMs: number) => {
    const giveUpAt = performance.now() + limitMs;
    while (!(await holds())) {
      if (signal.aborted || performance.now() > giveUpAt) return false;
      await wait(LOOK_MS);
    }
    return true;
  };

  try {
    progress("importing the shop");
    let worker = startWorker();
    if (!(await until(() => imported, IMPORT_MS))) throw new Error("The shop was not imported.");
    if (!(await until(() => acknowledged.size >= BEFORE_FAULT, IMPORT_MS))) {
      throw new Error(`Nothing was accepted: ${[...refused.values()][0] ?? "no reason given"}`);
    }

    progress(`${play.title}${companion ? `, with ${companion}` : ""}`);
    const struckBefore = shopify.stats.struck;
    shopify.faults.set(play.fault(scale));
    const faultAt = performance.now();
    if (companion !== null) await wait(COMPANION_AFTER_MS);
    if (companion === "kill") {
      await worker[Symbol.asyncDispose]();
      worker = startWorker();
    }
    const old = companion === "crash" ? await crash(environment) : null;
    const leftMs = Math.max(0, play.lastsMs - (performance.now() - faultAt));
    await until(() => play.strikes !== null && seen.struckChanges >= play.strikes, leftMs);

    shopify.faults.clear();
    seen.healedAt = Date.now();
    const waiting = (await readStored(environment)).filter(isOnItsWay).length;
    progress(`healed: ${waiting} on their way`);
    if (old) {
      await pair.start(old);
      await pair.rejoin(old);
    }
    const through = await until(async () => {
      if (acknowledged.size + refused.size < asked.length) return false;
      const stored = await readStored(environment);
      return stored.length >= acknowledged.size && !stored.some(needsMore);
    }, SETTLED_MS);
    const settledMs = through ? Date.now() - seen.healedAt : null;
    await shopify.effectsSettled();
    const load1 = Math.round((loadavg()[0] ?? NaN) * 10) / 10;
    const end = await worker.stop();
    uncaught.push(...end.uncaught);

    progress("checking");
    const stored = await readStored(environment);
    const verdict = checkShopify(
      asked.filter(({ id }) => acknowledged.has(id)),
      stored,
      shop.ledger.filter(({ mutation }) => !mutation.startsWith("bulkOperation")),
    );
    const states: Record<string, number> = {};
    for (const { state } of stored) states[state] = (states[state] ?? 0) + 1;
    const counts = {
      lost: verdict.lost.length,
      appliedTwice: verdict.appliedTwice.length,
      stateless: verdict.stateless.length,
      denied: verdict.denied.length,
      unasked: verdict.unasked.length,
      refused: refused.size,
      uncaught: uncaught.length,
    };
    const after = (ms: number) =>
      waiting === 0 || Number.isNaN(ms) ? null : Math.max(0, ms - seen.healedAt);
    const ok = through && Object.values(counts).every((count) => count === 0);
    if (!ok) environment.keepDir();
    const row: ShopifyDrillRow = {
      fault: options.fault,
      with: companion,
      commands: asked.length,
      kinds,
      settleMs,
      appliedLateMs: scale.appliedLateMs,
      struck: shopify.stats.struck - struckBefore,
      struckChanges: seen.struckChanges,
      waiting,
      firstCallMs: after(seen.firstCallAt),
      firstChangeMs: after(seen.firstChangeAt),
      settledMs,
      ...counts,
      states,
      load1,
      verdict: ok ? "ok" : "FAILED",
    };
    return { row, verdict, refused: [...refused.values()], uncaught, dir };
  } catch (error) {
    environment.keepDir();
    throw error;
  }
}

const isOnItsWay = ({ state }: Stored) =>
  state === "accepted" || state === "sending" || state === "unknown";
/** Somebody sends again what needs a person, so that this is no end either. */
const needsMore = (stored: Stored) => isOnItsWay(stored) || stored.state === "failed";

/** Kills the primary and promotes its standby. */
async function crash({ pair, network }: ShopifyEnvironment) {
  const old = pair.primary;
  await pair.crash(old);
  await wait(PROMOTE_AFTER_MS);
  await pair.promote(pair.standby);
  pair.moveEndpoint("writer", pair.primary);
  network.moveNames();
  return old;
}

function readStored({ pair, shop }: ShopifyEnvironment): Promise<Stored[]> {
  return readAppTables(
    pair,
    (sql) => sql<Stored[]>`
      select id::text, state, uncertain_since is not null as uncertain
      from commands where shop = ${shop.domain}`,
  );
}
