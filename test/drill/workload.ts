import { sql } from "drizzle-orm";
import { z } from "zod";
import type { ShopDatabase } from "../../app/database/cluster.ts";
import { defineWrite } from "../../app/database/write.ts";
import type { Seen } from "./history.ts";

/**
 * The tables of a drill, made by the owner and held by the same row-level security as the app's own. A write is a
 * row in each of the first two: a register that counts the writes of its key and names the last of them, and an
 * entry, which is never unique, so that a write that was done twice shows. The third notes whenever a webhook goes
 * from received to done.
 */
export const DRILL_TABLES = `
  create table if not exists drill_registers (
    shop text not null,
    key text not null,
    version integer not null,
    operation_id text not null,
    primary key (shop, key)
  );
  create table if not exists drill_entries (
    id bigint generated always as identity primary key,
    shop text not null,
    key text not null,
    version integer not null,
    operation_id text not null
  );
  create index if not exists drill_entries_by_key on drill_entries (shop, key, id);
  create table if not exists drill_deliveries_done (
    id bigint generated always as identity primary key,
    shop text not null,
    delivery_id text not null
  );
  do $$
  declare
    t text;
  begin
    foreach t in array array['drill_registers', 'drill_entries', 'drill_deliveries_done'] loop
      execute format('alter table %I enable row level security', t);
      execute format('alter table %I force row level security', t);
      execute format('drop policy if exists one_shop on %I', t);
      execute format('create policy one_shop on %I to evenkeel_app
        using (shop = nullif(current_setting(''app.shop'', true), ''''))
        with check (shop = nullif(current_setting(''app.shop'', true), ''''))', t);
      execute format('drop policy if exists maintenance on %I', t);
      execute format('create policy maintenance on %I to evenkeel_owner using (true) with check (true)', t);
    end loop;
  end
  $$;
  grant select, insert, update on drill_registers to evenkeel_app;
  grant select, insert on drill_entries to evenkeel_app;
  create or replace function drill_note_done() returns trigger
    language plpgsql security definer set search_path = public, pg_temp
    as $$ begin
      insert into drill_deliveries_done (shop, delivery_id) values (new.shop, new.id);
      return null;
    end $$;
  create or replace trigger drill_note_done after update of state on webhook_deliveries
    for each row when (old.state = 'received' and new.state in ('applied', 'ignored'))
    execute function drill_note_done();
`;

/** The write of the drill: both rows or none, and the version that its key has by then. */
export const enter = defineWrite(
  "drill.enter",
  z.object({ key: z.string() }),
  async (tx, { key }, { shop, operationId }) => {
    const [register] = await tx.execute<{ version: number }>(sql`
      insert into drill_registers (shop, key, version, operation_id)
      values (${shop}, ${key}, 1, ${operationId})
      on conflict (shop, key) do update
        set version = drill_registers.version + 1, operation_id = excluded.operation_id
      returning version`);
    const version = register?.version ?? 0;
    await tx.execute(sql`
      insert into drill_entries (shop, key, version, operation_id)
      values (${shop}, ${key}, ${version}, ${operationId})`);
    return { version };
  },
);

/** Both rows of every write of a key, as one statement sees them. */
export async function look(db: ShopDatabase, shop: string, key: string): Promise<Seen> {
  const [row] = await db.execute<{ version: number; last: string | null; entries: string[] }>(sql`
    select coalesce(r.version, 0) as version, r.operation_id as last,
      to_json(array(select e.operation_id from drill_entries e
                    where e.shop = ${shop} and e.key = ${key} order by e.id)) as entries
    from (select) one
    left join drill_registers r on r.shop = ${shop} and r.key = ${key}`);
  return row
    ? { version: row.version, last: row.last, entries: row.entries }
    : { version: 0, last: null, entries: [] };
}

/** Who writes where: each writer has a shop, and keys, of its own; everybody reads all of them. */
export interface KeySpace {
  /** Differs between any two runs on the same database. */
  readonly run: string;
  readonly processes: readonly string[];
  readonly writers: number;
  readonly keysPerWriter: number;
}

export const keyCount = ({ processes, writers, keysPerWriter }: KeySpace): number =>
  processes.length * writers * keysPerWriter;

export const shopPrefix = (run: string): string => `drill-${run}-`;

export const shopOf = (run: string, process: string, writer: number): string =>
  `${shopPrefix(run)}${process}-${writer}.myshopify.com`;

/** A key with its shop, as histories and findings name it. */
export interface Address {
  readonly shop: string;
  readonly key: string;
}

export const nameOf = ({ shop, key }: Address): string => `${shop} ${key}`;

export function anyAddress({ run, processes, writers, keysPerWriter }: KeySpace): Address {
  const process = processes[below(processes.length)] ?? "";
  return { shop: shopOf(run, process, below(writers)), key: `key-${below(keysPerWriter)}` };
}

/** Half of all writes go to a few keys, so that keys are written again and again; the others to any. */
export const anyKey = (keysPerWriter: number): string =>
  `key-${below(Math.random() < HOT_SHARE ? HOT_KEYS : keysPerWriter)}`;

const HOT_SHARE = 0.5;
const HOT_KEYS = 20;

export const below = (limit: number): number => Math.floor(Math.random() * limit);
