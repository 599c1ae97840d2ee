import type { OperationRecord, ReadRecord, WriteRecord } from "./history.ts";

/** What the database holds when everything is over. */
export interface FinalState {
  /** The first row of each write: one per key, counting its writes and naming the last. */
  readonly registers: readonly { key: string; version: number; operationId: string }[];
  /** The second row: one per write, never unique, so that a write done twice shows. */
  readonly entries: readonly { key: string; version: number; operationId: string }[];
  /**
   * The ids that the app's own table of operations holds; `tombstone` for those that were used up unused. Null
   * where the clients keep none.
   */
  readonly operations: readonly { operationId: string; tombstone: boolean }[] | null;
  /** Operations that an instance still has on its disk, in line for the database. */
  readonly journaled: readonly string[];
  readonly deliveries: readonly {
    id: string;
    /** Rows of that id. */
    rows: number;
    /** How often it went from received to done, in committed transactions. */
    timesDone: number;
  }[];
}

/** Something that must not be, and what shows it. */
export interface Finding {
  readonly key: string;
  readonly operationId: string | null;
  readonly evidence: string;
}

export interface Verdict {
  /** Acknowledged, or settled as done, and not there. */
  readonly lost: readonly Finding[];
  /** Acknowledged as kept on an instance's disk, and still there when everything had settled. */
  readonly undrained: readonly Finding[];
  /** Done more than once. */
  readonly duplicated: readonly Finding[];
  /** One row of the two without the other, in the end or in what a read saw. */
  readonly torn: readonly Finding[];
  /** Said to be not done, and there. */
  readonly denied: readonly Finding[];
  /** There, or seen, before anybody had asked for it. */
  readonly phantom: readonly Finding[];
  /** A read that lacks what was acknowledged before the moment that it claims to show. */
  readonly staleBeyondLabel: readonly Finding[];
  /**
   * The same, of what another instance was acknowledged by another primary while there were two: no instance can know
   * what a server acknowledges that it does not follow. Not a fault in itself.
   */
  readonly acrossSplit: readonly Finding[];
  /** Answered 200, and no row. */
  readonly webhooksLost: readonly Finding[];
  /** Two rows, or applied twice. */
  readonly webhooksDuplicated: readonly Finding[];
  /** Answered 200 and kept, but still not applied when everything had settled. */
  readonly webhooksUnapplied: readonly Finding[];
  /** Writes of which the client was told that nobody knows. Not a fault in itself. */
  readonly unknown: {
    readonly total: number;
    readonly happened: number;
    readonly didNotHappen: number;
    /** Nobody could say, not even afterwards. */
    readonly unsettled: number;
  };
  readonly ok: boolean;
}

/** While there were two primaries, from the promotion of the second to the end of the first, in the drill's time. */
export interface Split {
  readonly from: number;
  readonly until: number;
}

/** Evidence speaks in ms from the beginning of the history. */
const ms = (at: number, from: number) => `${Math.round(at - from)} ms`;

/**
 * Decides what became of every operation of a history. Knows nothing of how the operations were done: it lays what
 * the clients were told beside what is in the database, and what each read claimed beside what had been
 * acknowledged before.
 *
 * @param history - Of all processes, joined.
 * @param split - Null where there never were two primaries.
 */
export function check(
  history: readonly OperationRecord[],
  final: FinalState,
  split: Split | null = null,
): Verdict {
  const startedAt = history[0]?.invokedAt ?? 0;
  const writes = writesById(history);
  const found = {
    ...checkWrites(writes, final, startedAt),
    ...checkRows(final),
    ...checkReads(history, writes, startedAt, split),
    ...checkWebhooks(history, final, startedAt),
  };
  const { lost, undrained, duplicated, denied } = found;
  const verdict = {
    lost,
    undrained,
    duplicated,
    denied,
    torn: [...found.tornRows, ...found.tornReads],
    phantom: [...found.phantomRows, ...found.phantomReads],
    staleBeyondLabel: found.staleBeyondLabel,
    webhooksLost: found.webhooksLost,
    webhooksDuplicated: found.webhooksDuplicated,
    webhooksUnapplied: found.webhooksUnapplied,
  };
  return {
    ...verdict,
    acrossSplit: found.acrossSplit,
    unknown: found.unknown,
    ok: Object.values(verdict).every((findings) => findings.length === 0),
  };
}

/** A write with everything that was ever said about it. */
interface Write {
  readonly operationId: string;
  readonly key: string;
  /** Who asked for it: one of the drill's instances. */
  readonly instance: string;
  invokedAt: number;
  /** When it was first acknowledged, as done or as kept; null if never. */
  acknowledgedAt: number | null;
  /** When it was first acknowledged as done: from then on reads must show it. */
  doneAt: number | null;
  /** Whether each of its attempts ended with a definite "not done". */
  allFailed: boolean;
  settled: "done" | "notDone" | null;
}

function writesById(history: readonly OperationRecord[]): Map<string, Write> {
  const writes = new Map<string, Write>();
  for (const record of history) if (record.kind === "write") note(writes, record);
  for (const record of history) {
    const write = record.kind === "settle" ? writes.get(record.operationId) : undefined;
    if (write && record.kind === "settle" && record.value) write.settled = record.value;
  }
  return writes;
}

function note(writes: Map<string, Write>, record: WriteRecord): void {
  const { operationId, key, invokedAt, completedAt, outcome, journaled } = record;
  const acknowledgedAt = outcome === "ok" ? completedAt : null;
  const doneAt = journaled ? null : acknowledgedAt;
  const before = writes.get(operationId);
  if (!before) {
    const allFailed = outcome === "failed";
    writes.set(operationId, {
      operationId,
      key,
      instance: instanceOf(record),
      invokedAt,
      acknowledgedAt,
      doneAt,
      allFailed,
      settled: null,
    });
    return;
  }
  before.invokedAt = Math.min(before.invokedAt, invokedAt);
  before.allFailed &&= outcome === "failed";
  if (acknowledgedAt !== null) {
    before.acknowledgedAt = Math.min(before.acknowledgedAt ?? Infinity, acknowledgedAt);
  }
  if (doneAt !== null) before.doneAt = Math.min(before.doneAt ?? Infinity, doneAt);
}

/** `a` of `a/writer-3`. */
function instanceOf({ process }: { readonly process: string }): string {
  return process.split("/", 1)[0] ?? process;
}

function checkWrites(writes: ReadonlyMap<string, Write>, final: FinalState, startedAt: number) {
  const lost: Finding[] = [];
  const undrained: Finding[] = [];
  const duplicated: Finding[] = [];
  const denied: Finding[] = [];
  const phantomRows: Finding[] = [];
  const unknown = { total: 0, happened: 0, didNotHappen: 0, unsettled: 0 };
  const journaled = new Set(final.journaled);
  const times = countBy(final.entries, ({ operationId }) => operationId);
  for (const { operationId, key } of final.entries) {
    if (writes.has(operationId)) continue;
    phantomRows.push({ key, operationId, evidence: "an entry of a write that nobody asked for" });
  }
  for (const write of writes.values()) {
    const { operationId, key, acknowledgedAt, doneAt, settled, allFailed } = write;
    const count = times.get(operationId) ?? 0;
    const tell = (into: Finding[], evidence: string) => into.push({ key, operationId, evidence });
    if (acknowledgedAt !== null && count === 0 && doneAt === null && journaled.has(operationId)) {
      tell(undrained, `kept at ${ms(acknowledgedAt, startedAt)}, still on the instance's disk`);
    } else if (acknowledgedAt !== null && count === 0) {
      tell(lost, `acknowledged at ${ms(acknowledgedAt, startedAt)}, not there in the end`);
    }
    if (acknowledgedAt === null && settled === "done" && count === 0) {
      tell(lost, "settled as done, not there in the end");
    }
    if (count > 1) tell(duplicated, `${count} entries`);
    if (allFailed && count > 0) tell(denied, "failed for its client, there in the end");
    if (settled === "notDone" && count > 0) tell(denied, "settled as not done, there in the end");
    if (settled === "notDone" && acknowledgedAt !== null && count === 0) {
      tell(denied, "settled as not done after it had been acknowledged");
    }
    if (acknowledgedAt === null && !allFailed) {
      unknown.total++;
      if (count > 0) unknown.happened++;
      else unknown.didNotHappen++;
      if (settled === null) unknown.unsettled++;
    }
  }
  return { lost, undrained, duplicated, denied, phantomRows, unknown };
}

/** Whether the two rows of each write, and the app's own row beside them, came together or not at all. */
function checkRows({ registers, entries, operations }: FinalState): { tornRows: Finding[] } {
  const tornRows: Finding[] = [];
  const entriesByKey = Map.groupBy(entries, ({ key }) => key);
  const registerOf = new Map(registers.map((register) => [register.key, register]));
  for (const key of new Set([...entriesByKey.keys(), ...registerOf.keys()])) {
    const register = registerOf.get(key);
    const own = (entriesByKey.get(key) ?? []).toSorted((a, b) => a.version - b.version);
    const versions = own.map(({ version }) => version);
    const last = own.at(-1)?.operationId ?? null;
    const tell = (evidence: string) =>
      tornRows.push({ key, operationId: register?.operationId ?? last, evidence });
    if ((register?.version ?? 0) !== own.length) {
      tell(
        `counted ${register?.version ?? 0} times, entered ${own.length} times (${versions.join(", ")})`,
      );
    } else if (versions.some((version, index) => version !== index + 1)) {
      tell(`its entries are numbered ${versions.join(", ")}`);
    } else if (register && register.operationId !== last) {
      tell(`its register names ${register.operationId}, its last entry ${last}`);
    }
  }
  if (operations === null) return { tornRows };
  const done = new Set(operations.flatMap((o) => (o.tombstone ? [] : [o.operationId])));
  const entered = new Map(entries.map(({ operationId, key }) => [operationId, key]));
  for (const operationId of done) {
    if (entered.has(operationId)) continue;
    tornRows.push({ key: "", operationId, evidence: "its id is stored, its rows are not" });
  }
  for (const [operationId, key] of entered) {
    if (done.has(operationId)) continue;
    tornRows.push({ key, operationId, evidence: "its rows are stored, its id is not" });
  }
  return { tornRows };
}

function checkReads(
  history: readonly OperationRecord[],
  writes: ReadonlyMap<string, Write>,
  startedAt: number,
  split: Split | null,
) {
  const tornReads: Finding[] = [];
  const phantomReads: Finding[] = [];
  const staleBeyondLabel: Finding[] = [];
  const acrossSplit: Finding[] = [];
  const isAcross = (instance: string, { operationId }: Finding) => {
    const write = operationId === null ? undefined : writes.get(operationId);
    if (!split || !write || write.instance === instance || write.doneAt === null) return false;
    return write.doneAt >= split.from && write.doneAt <= split.until;
  };
  const writesByKey = Map.groupBy(writes.values(), ({ key }) => key);
  for (const record of history) {
    if (record.kind !== "read" || record.outcome !== "ok" || record.value === null) continue;
    const { key, value, source, completedAt } = record;
    const { version, last, entries } = value;
    const who = `a read from ${source ?? "nowhere"} by ${record.process} at ${ms(record.invokedAt, startedAt)}`;
    if (version !== entries.length || (last ?? undefined) !== entries.at(-1)) {
      const evidence = `${who} saw ${version} counted, ${entries.length} entered`;
      tornReads.push({ key, operationId: last, evidence });
    }
    for (const operationId of entries) {
      const write = writes.get(operationId);
      if (write && write.invokedAt <= (completedAt ?? Infinity)) continue;
      phantomReads.push({ key, operationId, evidence: `${who} saw it before it was asked for` });
    }
    for (const finding of staleness(record, writesByKey.get(key) ?? [], who, startedAt)) {
      const across = isAcross(instanceOf(record), finding);
      (across ? acrossSplit : staleBeyondLabel).push(finding);
    }
  }
  return { tornReads, phantomReads, staleBeyondLabel, acrossSplit };
}

/** What an answer's own label says that it shows, and it does not. */
function staleness(
  { key, value, asOf, completedAt }: ReadRecord,
  writes: readonly Write[],
  who: string,
  startedAt: number,
): Finding[] {
  if (asOf === null) return [{ key, operationId: null, evidence: `${who} does not say when` }];
  if (completedAt !== null && asOf > completedAt) {
    return [{ key, operationId: null, evidence: `${who} claims a moment to come` }];
  }
  const seen = new Set(value?.entries);
  return writes
    .filter(({ doneAt }) => doneAt !== null && doneAt <= asOf)
    .filter(({ operationId }) => !seen.has(operationId))
    .map(({ operationId, doneAt }) => ({
      key,
      operationId,
      evidence:
        `${who} claims ${ms(asOf, startedAt)} and lacks what was acknowledged at ` +
        ms(doneAt ?? NaN, startedAt),
    }));
}

function checkWebhooks(history: readonly OperationRecord[], final: FinalState, startedAt: number) {
  const webhooksLost: Finding[] = [];
  const webhooksDuplicated: Finding[] = [];
  const webhooksUnapplied: Finding[] = [];
  const kept = new Map(final.deliveries.map((delivery) => [delivery.id, delivery]));
  const acknowledged = new Map<string, { key: string; at: number }>();
  for (const record of history) {
    if (record.kind !== "webhook" || record.outcome !== "ok") continue;
    if (acknowledged.has(record.operationId)) continue;
    acknowledged.set(record.operationId, { key: record.key, at: record.completedAt ?? NaN });
  }
  for (const [operationId, { key, at }] of acknowledged) {
    const delivery = kept.get(operationId);
    const told = `answered 200 at ${ms(at, startedAt)}`;
    if (!delivery) webhooksLost.push({ key, operationId, evidence: `${told}, no row` });
    else if (delivery.timesDone === 0) {
      webhooksUnapplied.push({ key, operationId, evidence: `${told}, never applied` });
    }
  }
  for (const { id, rows, timesDone } of final.deliveries) {
    if (rows <= 1 && timesDone <= 1) continue;
    const evidence = `${rows} rows, applied ${timesDone} times`;
    webhooksDuplicated.push({ key: "", operationId: id, evidence });
  }
  return { webhooksLost, webhooksDuplicated, webhooksUnapplied };
}

function countBy<T>(values: readonly T[], by: (value: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(by(value), (counts.get(by(value)) ?? 0) + 1);
  return counts;
}
