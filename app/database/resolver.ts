import { lookup, Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import { DialError } from "./guarded-socket.ts";

/** Finds the addresses behind a name, anew at each call: a moved name is what a failover looks like. */
export interface NameResolver {
  /** @throws DialError with code `ENOTFOUND`, or `EAI_AGAIN` when no server answered in time. */
  resolve(host: string): Promise<readonly string[]>;
}

export interface ResolverOptions {
  /** Name servers to ask in place of the system's (`127.0.0.1:53`). */
  readonly servers?: readonly string[];
  /** How long one name server may take. Default 500 ms; the system's own resolver would take 5 s and more. */
  readonly timeoutMs?: number;
}

export function createResolver({ servers, timeoutMs = 500 }: ResolverOptions = {}): NameResolver {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
  if (servers) resolver.setServers(servers);

  async function ask(host: string): Promise<string[]> {
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const found = [v4, v6].flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    if (found.length > 0 || v4.status === "fulfilled") return found;
    throw v4.reason;
  }

  return {
    async resolve(host) {
      if (isIP(host)) return [host];
      try {
        const found = await ask(host);
        if (found.length > 0) return found;
      } catch (cause) {
        const code = (cause as NodeJS.ErrnoException).code ?? "";
        // Asked name servers of our own: theirs is the last word, except that silence is not a "no".
        if (servers || !["ENOTFOUND", "ENODATA", "ECONNREFUSED"].includes(code)) {
          throw new DialError(
            ["ENOTFOUND", "ENODATA"].includes(code) ? "ENOTFOUND" : "EAI_AGAIN",
            `The name ${host} could not be resolved.`,
            { cause },
          );
        }
      }
      if (servers) throw new DialError("ENOTFOUND", `The name ${host} has no address.`);
      // Names of this machine (/etc/hosts, localhost) are known to the system alone.
      try {
        return (await lookup(host, { all: true })).map(({ address }) => address);
      } catch (cause) {
        throw new DialError("ENOTFOUND", `The name ${host} could not be resolved.`, { cause });
      }
    },
  };
}
