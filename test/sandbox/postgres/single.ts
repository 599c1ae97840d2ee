import { unprivilegedAccount } from "./account.ts";
import { BaseDirectory } from "./base-directory.ts";
import { findBinaries } from "./binaries.ts";
import { NodeStartError, PostgresNode, type Settings } from "./node.ts";
import { freePort } from "./ports.ts";
import type { Role } from "./roles.ts";
import { BASE_SETTINGS, hostBasedAccess } from "./settings.ts";
import { provideTemplate } from "./template.ts";

export interface PostgresOptions {
  /** Overrides of single settings. */
  readonly settings?: Settings;
  /** A cluster of its own, with a `system_identifier` that no other has; costs a second. */
  readonly freshIdentity?: boolean;
}

/** A database of its own on a shared server. */
export interface TestDatabase extends AsyncDisposable {
  readonly name: string;
  url(role: Role): string;
  drop(): Promise<void>;
}

/** A single primary, for whatever needs Postgres but no failover. */
export interface Postgres extends AsyncDisposable {
  readonly node: PostgresNode;
  /** Address of the database `evenkeel`, or of another. */
  url(role: Role, database?: string): string;
  /** A fresh database, empty or a copy of another to which nobody is connected. */
  createDatabase(options?: { name?: string; template?: string }): Promise<TestDatabase>;
  /** Ends the server; leaves no process, port or directory behind. */
  close(): Promise<void>;
}

/** Starts a single primary on a free port. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const account = await unprivilegedAccount();
  const binaries = await findBinaries(account);
  const template = await provideTemplate(binaries, account, {
    fresh: options.freshIdentity ?? false,
  });
  const base = await BaseDirectory.make(account);
  const create = async (): Promise<PostgresNode> => {
    const { passwords } = template;
    const port = await freePort();
    const node = new PostgresNode({
      name: "n1",
      port,
      baseDir: base.path,
      binaries,
      account,
      passwords,
    });
    await node.createFrom(template.dir);
    await node.writeDataFile("pg_hba.conf", hostBasedAccess({ tls: false }));
    await node.configure({ ...BASE_SETTINGS, ...options.settings, port });
    await node.start();
    return node;
  };
  let node: PostgresNode;
  try {
    node = await withAnotherPort(create);
  } catch (error) {
    await base.remove();
    throw error;
  } finally {
    await template.discard();
  }
  let databases = 0;
  const close = async () => {
    await node.destroy();
    await base.remove();
  };
  return {
    node,
    url: (role, database) => node.url(role, database),
    async createDatabase({ name = `test_${++databases}`, template } = {}) {
      await node.createDatabase(name, template === undefined ? {} : { template });
      const drop = () => node.dropDatabase(name);
      return { name, url: (role) => node.url(role, name), drop, [Symbol.asyncDispose]: drop };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Somebody else may take a port between our look and the server's start: then it is tried with another. */
export async function withAnotherPort<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof NodeStartError && error.portTaken) || attempt === 5) throw error;
    }
  }
}
