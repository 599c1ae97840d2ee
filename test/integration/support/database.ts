import { Cluster } from "../../../app/database/cluster.ts";
import { migrate } from "../../../app/database/migrate.ts";
import { installQueue } from "../../../app/jobs/install.ts";
import { startPostgres, type TestDatabase } from "../../sandbox/postgres/index.ts";

/** A server with this release's schema, from which each test copies a database of its own. */
export interface TestServer extends AsyncDisposable {
  createDatabase(name?: string): Promise<TestDatabase>;
}

const TEMPLATE = "migrated";

export async function startTestServer(): Promise<TestServer> {
  const postgres = await startPostgres();
  try {
    const template = await postgres.createDatabase({ name: TEMPLATE });
    await migrate({ url: template.url("owner"), steps: [installQueue] });
  } catch (error) {
    await postgres.close();
    throw error;
  }
  return {
    createDatabase: (name) =>
      postgres.createDatabase({ template: TEMPLATE, ...(name ? { name } : {}) }),
    [Symbol.asyncDispose]: () => postgres.close(),
  };
}

/** The cluster's doors to a test's database, closed by the caller before the database is dropped. */
export function openCluster(database: TestDatabase): Cluster {
  return new Cluster({
    url: database.url("app"),
    systemUrl: database.url("system"),
    poolSize: 4,
  });
}
