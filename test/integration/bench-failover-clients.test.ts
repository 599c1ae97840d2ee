import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as evenkeel from "../bench/support/failover/evenkeel.ts";
import * as pgPool from "../bench/support/failover/pg-pool.ts";
import * as postgresJs from "../bench/support/failover/postgres-js.ts";
import type { Instance, InstanceModule } from "../drill/instance.ts";
import type { WorkerConfig } from "../drill/messages.ts";
import { DRILL_TABLES } from "../drill/workload.ts";
import { Endpoint, type TestDatabase } from "../sandbox/postgres/index.ts";
import { startTestServer, type TestServer } from "./support/database.ts";

/*
 * The clients that `npm run bench:failover` compares: each must do the same work, or nothing is compared.
 */

let server: TestServer;
let database: TestDatabase;
let way: Endpoint;
let admin: postgres.Sql;

beforeAll(async () => {
  server = await startTestServer();
  database = await server.createDatabase();
  admin = postgres(database.url("superuser"), { max: 1, onnotice: () => undefined });
  const owner = postgres(database.url("owner"), { max: 1, onnotice: () => undefined });
  await owner.unsafe(DRILL_TABLES);
  await owner.end();
  way = await Endpoint.open({
    name: "way",
    target: { port: Number(new URL(database.url("app")).port) },
  });
});
afterAll(async () => {
  await admin?.end();
  await way?.close();
  await server?.[Symbol.asyncDispose]();
});

async function open(module: InstanceModule): Promise<Instance & AsyncDisposable> {
  const at = (role: "app" | "system") => {
    const url = new URL(database.url(role));
    url.port = String(way.port);
    return url.toString();
  };
  const config = {
    targets: {
      url: at("app"),
      systemUrl: at("system"),
      ...(module === pgPool ? {} : { nodes: [`${way.host}:${way.port}`] }),
    },
    nameServers: [],
    poolSize: 4,
    deadlineMs: 2_000,
  } as unknown as WorkerConfig;
  const instance = await module.openInstance(config);
  return Object.assign(instance, { [Symbol.asyncDispose]: () => instance.close() });
}

describe.each([
  ["postgres.js", postgresJs],
  ["pg's Pool", pgPool],
  ["Evenkeel", evenkeel],
])("%s", (name, module) => {
  const shop = `${name.replaceAll(/\W/g, "").toLowerCase()}.myshopify.com`;

  test("does a write as both of its rows, and reads them", async () => {
    await using client = await open(module);
    expect(await client.write({ shop, key: "k" }, "w1")).toBe("done");
    expect(await client.write({ shop, key: "k" }, "w2")).toBe("done");
    const { value, asOf } = await client.read({ shop, key: "k" });
    expect(value).toEqual({ version: 2, last: "w2", entries: ["w1", "w2"] });
    expect(asOf.getTime()).toBeLessThanOrEqual(Date.now());
  });

  test("tries again after its connections were reset", async () => {
    await using client = await open(module);
    await client.write({ shop, key: "reset" }, "w3");
    way.resetConnections();
    expect(await client.write({ shop, key: "reset" }, "w4")).toBe("done");
    expect(await client.read({ shop, key: "reset" })).toMatchObject({ value: { last: "w4" } });
  });

  test("does not wait for ever for an answer", async () => {
    await using client = await open(module);
    await client.write({ shop, key: "locked" }, "w5");
    const locked = await admin.reserve();
    try {
      await locked`begin`;
      await locked`select from drill_registers where shop = ${shop} and key = ${"locked"} for update`;
      await expect(client.write({ shop, key: "locked" }, "w6")).rejects.toThrow();
    } finally {
      await locked`rollback`;
      locked.release();
    }
  });
});
