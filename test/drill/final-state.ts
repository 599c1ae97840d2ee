import postgres from "postgres";
import type { PostgresPair } from "../sandbox/postgres/index.ts";
import type { FinalState } from "./checker.ts";
import { nameOf, shopPrefix } from "./workload.ts";

/**
 * How long nothing may be applied of what was answered 200, once the load has ended: a claim whose answer was lost
 * holds for a minute before somebody claims anew. As long as there is progress it may take as long as it takes.
 */
const STANDSTILL_MS = 90_000;

/**
 * What the database holds of a run when everything has settled, asked of the primary itself, past the app, past
 * row-level security and past the faults on the wire.
 */
export async function readFinalState(
  pair: PostgresPair,
  run: string,
  journaled: readonly string[],
): Promise<FinalState> {
  const sql = postgres(pair.primary.url("superuser"), { max: 1, onnotice: () => undefined });
  try {
    await untilApplied(sql, run);
    const shops = `${shopPrefix(run)}%`;
    const registers = await sql<
      { shop: string; key: string; version: number; operationId: string }[]
    >`
      select shop, key, version, operation_id as "operationId"
      from drill_registers where shop like ${shops}`;
    const entries = await sql<
      { shop: string; key: string; version: number; operationId: string }[]
    >`
      select shop, key, version, operation_id as "operationId"
      from drill_entries where shop like ${shops} order by id`;
    const operations = await sql<{ operationId: string; tombstone: boolean }[]>`
      select operation_id as "operationId", name <> 'drill.enter' as tombstone
      from operations where shop like ${shops}`;
    const deliveries = await sql<{ id: string; rows: number; timesDone: number }[]>`
      select d.id, count(distinct d.sequence)::int as rows, count(distinct e.id)::int as "timesDone"
      from webhook_deliveries d
      left join drill_deliveries_done e on e.shop = d.shop and e.delivery_id = d.id
      where d.id like ${`${run}-%`} group by d.id`;
    const named = ({ shop, key, version, operationId }: (typeof entries)[number]) => ({
      key: nameOf({ shop, key }),
      version,
      operationId,
    });
    return {
      registers: registers.map(named),
      entries: entries.map(named),
      operations: [...operations],
      journaled,
      deliveries: [...deliveries],
    };
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function untilApplied(sql: postgres.Sql, run: string): Promise<void> {
  let before = Infinity;
  let giveUpAt = Infinity;
  while (performance.now() < giveUpAt) {
    const [row] = await sql<{ waiting: number }[]>`
      select count(*)::int as waiting from webhook_deliveries
      where id like ${`${run}-%`} and state = 'received'`;
    const waiting = row?.waiting ?? 0;
    if (waiting === 0) return;
    if (waiting < before) giveUpAt = performance.now() + STANDSTILL_MS;
    before = Math.min(before, waiting);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
