import { Socket, type TcpSocketConnectOpts } from "node:net";
import pg from "pg";
import { createResolver, type NameResolver } from "../../../../app/database/resolver.ts";
import type { Instance } from "../../../drill/instance.ts";
import type { WorkerConfig } from "../../../drill/messages.ts";
import { connectionsOf, CONNECT_TIMEOUT_MS, instanceOf, type DriverPool } from "./peer.ts";

/*
 * pg's Pool on the writer's endpoint, with what its documentation offers against a server that goes away.
 */

const KEEP_ALIVE_DELAY_MS = 1_000;

export async function openInstance(config: WorkerConfig): Promise<Instance> {
  const resolver = createResolver({ servers: config.nameServers });
  const own = new pg.Pool({
    connectionString: config.targets.url,
    max: connectionsOf(config),
    // By default a connect, a wait for a free connection and a query may each take for ever.
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    // Half of the deadline, so that a query that hangs leaves time for another attempt; this is what lets a pool get
    // away from a server that is frozen.
    query_timeout: config.deadlineMs / 2,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    stream: () => new NamedSocket(resolver),
  });
  // "The pool also emits error on behalf of idle clients": without a listener, each would end the process.
  own.on("error", () => undefined);
  // So would an error of a client that is in use, which the pool does not listen to.
  own.on("connect", (client) => client.on("error", () => undefined));

  const pool: DriverPool = {
    async transaction(readOnly, work) {
      const client = await own.connect();
      try {
        await client.query(readOnly ? "BEGIN READ ONLY" : "BEGIN");
        const value = await work(async (text, parameters) => {
          return (await client.query<object>(text, parameters)).rows;
        });
        await client.query("COMMIT");
        client.release();
        return value;
      } catch (error) {
        // The documentation's ROLLBACK, as long as the server is there to do it; what timed out or broke is thrown away.
        const rolledBack =
          error instanceof pg.DatabaseError && error.severity === "ERROR"
            ? await client.query("ROLLBACK").then(
                () => true,
                () => false,
              )
            : false;
        client.release(!rolledBack);
        throw error;
      }
    },
    end: () => own.end(),
  };
  return instanceOf(pool, config);
}

/** Asks the drill's name servers at each connect; the system's would answer no sooner, and often from a cache. */
class NamedSocket extends Socket {
  readonly #resolver: NameResolver;

  constructor(resolver: NameResolver) {
    super();
    this.#resolver = resolver;
  }

  override connect(port: unknown, host?: unknown): this {
    const options: TcpSocketConnectOpts = {
      port: Number(port),
      host: String(host),
      lookup: (name, { all }, answer) => {
        this.#resolver.resolve(name).then(
          ([address = ""]) =>
            all ? answer(null, [{ address, family: 4 }]) : answer(null, address, 4),
          (error: Error) => answer(error, ""),
        );
      },
    };
    return super.connect(options);
  }
}
