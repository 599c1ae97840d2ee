import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import type {
  NewRecord,
  Removed,
  Reply,
  Request,
  ShopFill,
  StoredRecord,
  WorkerOptions,
} from "./protocol.ts";

/**
 * The journal's thread: SQLite and its fsyncs, away from the event loop that answers people. What arrives
 * while a batch is being committed makes up the next one (natural batching): a calm journal commits each
 * record at once, a busy one hundreds with one fsync.
 */
const port = parentPort;
if (!port) throw new Error("The journal's worker runs in a thread of its own.");
const { file, slowFsyncMs = 0 } = workerData as WorkerOptions;

const db = new DatabaseSync(file);
// EXCLUSIVE is the lock that keeps a second process out; FULL makes a commit an fsync; secure_delete
// overwrites what is removed, since it was somebody's.
db.exec(`
  pragma locking_mode = exclusive;
  pragma journal_mode = wal;
  pragma synchronous = full;
  pragma secure_delete = on;
  pragma busy_timeout = 0;
  create table if not exists records (
    sequence integer primary key autoincrement,
    kind text not null,
    shop text not null,
    id text not null,
    body blob not null,
    at integer not null,
    aside integer not null default 0,
    unique (kind, shop, id)
  ) strict;
  create index if not exists records_by_shop on records (shop, sequence);
`);

const insert = db.prepare(
  "insert into records (kind, shop, id, body, at) values (?, ?, ?, ?, ?) on conflict do nothing returning sequence",
);
const find = db.prepare("select sequence from records where kind = ? and shop = ? and id = ?");
const select = db.prepare(
  `select * from records
   where kind in (select value from json_each(?)) and sequence > ? and aside = 0
   order by sequence limit ?`,
);
const selectOfShop = db.prepare(
  `select * from records
   where kind in (select value from json_each(?)) and shop = ? and sequence > ? and aside = 0
   order by sequence limit ?`,
);
const remove = db.prepare(
  "delete from records where sequence = ? returning kind, shop, length(body) as bytes, aside",
);
const setAside = db.prepare("update records set aside = 1 where sequence = ?");
const removeShop = db.prepare(
  "delete from records where shop = ? returning kind, shop, length(body) as bytes, aside",
);
const fill = db.prepare(
  `select kind, shop, count(*) as records, sum(length(body)) as bytes,
     sum(aside = 0) as waiting, max(sequence) as last
   from records group by kind, shop`,
);

const reply = (message: Reply) => port.postMessage(message);

function commit<T>(work: () => T): T {
  db.exec("begin immediate");
  try {
    const result = work();
    if (slowFsyncMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, slowFsyncMs);
    db.exec("commit");
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec("rollback");
    throw error;
  }
}

let waiting: { readonly ticket: number; readonly records: readonly NewRecord[] }[] = [];
let scheduled = false;

function flush(): void {
  scheduled = false;
  const batch = waiting;
  waiting = [];
  const tickets = batch.map(({ ticket }) => ticket);
  try {
    const kept = commit(() =>
      batch.map(({ records }) =>
        records.map(({ kind, shop, id, body, at }) => {
          const added = insert.get(kind, shop, id, body, at);
          const { sequence } = (added ?? find.get(kind, shop, id)) as { sequence: number };
          return { sequence, isNew: added !== undefined };
        }),
      ),
    );
    reply({ type: "appended", tickets, kept });
  } catch (error) {
    reply(failure(tickets, error));
  }
}

function failure(tickets: readonly number[], error: unknown): Reply {
  const { code, message } = error as { code?: string; message: string };
  return { type: "failed", tickets, code: code ?? "UNCLASSIFIED", message };
}

function handle(request: Request): void {
  switch (request.type) {
    case "append":
      waiting.push(request);
      // Whatever else is in the message queue by then joins the batch.
      if (!scheduled) {
        scheduled = true;
        setImmediate(flush);
      }
      return;
    case "read": {
      const { ticket, shop, after, limit } = request;
      const kinds = JSON.stringify(request.kinds);
      const records =
        shop === null
          ? select.all(kinds, after, limit)
          : selectOfShop.all(kinds, shop, after, limit);
      return reply({ type: "records", ticket, records: records as unknown as StoredRecord[] });
    }
    case "remove": {
      const removed = commit(() =>
        request.sequences.flatMap((sequence) => remove.all(sequence) as unknown as Removed[]),
      );
      return reply({ type: "done", ticket: request.ticket, removed });
    }
    case "setAside":
      commit(() => setAside.run(request.sequence));
      return reply({ type: "done", ticket: request.ticket, removed: [] });
    case "removeShop": {
      const removed = commit(() => removeShop.all(request.shop) as unknown as Removed[]);
      return reply({ type: "done", ticket: request.ticket, removed });
    }
    case "close": {
      if (waiting.length > 0) flush();
      db.close();
      reply({ type: "done", ticket: request.ticket, removed: [] });
      port!.close();
    }
  }
}

port.on("message", (request: Request) => {
  try {
    handle(request);
  } catch (error) {
    reply(failure([request.ticket], error));
  }
});
reply({ type: "ready", fill: fill.all() as unknown as ShopFill[] });
