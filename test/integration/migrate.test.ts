import { readFile } from "node:fs/promises";
import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { migrate } from "../../app/database/migrate.ts";
import { installQueue } from "../../app/jobs/install.ts";
import { startPostgres, startPostgresPair, type Postgres } from "../sandbox/postgres/index.ts";

let server: Postgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.close());

test("several instances that migrate at the same time leave one schema", async () => {
  const database = await server.createDatabase();
  const url = database.url("owner");
  await Promise.all(Array.from({ length: 4 }, () => migrate({ url, steps: [installQueue] })));
  await migrate({ url, steps: [installQueue] });
  const sql = postgres(url, { max: 1 });
  const applied = await sql`select count(*)::int as n, count(distinct hash)::int as different
    from drizzle.__drizzle_migrations`;
  await sql.end();
  expect(applied[0]?.n).toBeGreaterThan(0);
  expect(applied[0]?.n).toBe(applied[0]?.different);
});

test("a database without the app's roles is refused with a sentence that says where to look", async () => {
  // The roles belong to the server, so a second one without them is needed.
  await using bare = await startPostgres({ freshIdentity: true });
  const database = await bare.createDatabase();
  const admin = postgres(bare.url("superuser"), { max: 1 });
  await admin`drop owned by evenkeel_app`;
  await admin`drop role evenkeel_app`;
  await admin.end();
  await expect(migrate({ url: database.url("owner") })).rejects.toThrow(
    "The database has no role evenkeel_app. Create it first: docs/database.md",
  );
});

test("a release step whose connection is cut leaves nothing half done, and can be repeated", async () => {
  await using pair = await startPostgresPair();
  const url = pair.url("owner", "writer");
  // In the middle of the migrations' transaction, and once.
  let tables = 0;
  const match = new (class extends RegExp {
    override test(text: string): boolean {
      return super.test(text) && ++tables === 5;
    }
  })(/CREATE TABLE\0/);
  pair.writer.addToxic("cut", { type: "lost_answer", match });
  await expect(migrate({ url, steps: [installQueue] })).rejects.toThrow();
  expect(tables).toBe(5);
  const sql = postgres(url, { max: 1 });
  const existing = await sql`select from pg_tables where schemaname = 'public'`;
  expect(existing).toHaveLength(0);
  await migrate({ url, steps: [installQueue] });
  expect(await sql`select from pg_tables where schemaname = 'public'`).not.toHaveLength(0);
  await sql.end();
});

test("the whole release step goes by TLS where there is an authority to trust", async () => {
  await using pair = await startPostgresPair({ tls: true });
  const ca = await readFile(pair.caFile!, "utf8");
  const url = pair.url("owner", "writer");
  await migrate({ url, ca, steps: [installQueue] });
  await expect(migrate({ url, steps: [installQueue] })).rejects.toThrow();
});
