import type { ConnectionTarget } from "./guarded-client.ts";
import { targetOf, type ClusterTargets, type NodeAddress } from "./targets.ts";

/** The way past a pooler to the server behind it, for each of the roles that we connect as. */
export interface DirectAddress {
  readonly app: ConnectionTarget;
  readonly system: ConnectionTarget;
}

/**
 * Pairs each address with the server behind it.
 *
 * @param urls - As `evenkeel_app`, one for each address, in the same order; none where the addresses are servers.
 * @throws TypeError when there are more or fewer.
 */
export function directAddresses(
  addresses: readonly NodeAddress[],
  urls: readonly string[],
  { ca, password }: ClusterTargets,
): ReadonlyMap<string, DirectAddress> {
  if (urls.length === 0) return new Map();
  if (urls.length !== addresses.length) {
    throw new TypeError("There is to be one direct address for each address of the database.");
  }
  return new Map(
    addresses.map(({ id, system }, n) => {
      const target = targetOf(urls[n]!, ca);
      const { host, port, database } = target;
      const app = password ? { ...target, password } : target;
      return [id, { app, system: { ...system, host, port, database } }];
    }),
  );
}
