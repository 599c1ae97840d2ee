import { Session } from "@shopify/shopify-api";
import type { SessionStorage } from "@shopify/shopify-app-session-storage";
import { and, eq, inArray } from "drizzle-orm";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import type { Cluster } from "../database/cluster.ts";
import { DatabaseError } from "../database/errors.ts";
import { sessions } from "../database/schema.ts";
import { defineWrite } from "../database/write.ts";
import { createHash } from "node:crypto";

const sessionInput = z.object({
  id: z.string(),
  isOnline: z.boolean(),
  state: z.string(),
  scope: z.string().nullable(),
  expiresAt: z.iso.datetime().nullable(),
  accessToken: z.string().nullable(),
  refreshToken: z.string().nullable(),
  refreshTokenExpiresAt: z.iso.datetime().nullable(),
  userId: z.number().nullable(),
  onlineAccessInfo: z.unknown().nullable(),
});

const moment = (iso: string | null) => (iso === null ? null : new Date(iso));

/** Access and refresh token are one row and one statement: half a pair is worse than none. */
const storeSession = defineWrite("session.store", sessionInput, async (tx, input, { shop }) => {
  const row = {
    ...input,
    shop,
    expiresAt: moment(input.expiresAt),
    refreshTokenExpiresAt: moment(input.refreshTokenExpiresAt),
    updatedAt: new Date(),
  };
  await tx
    .insert(sessions)
    .values(row)
    .onConflictDoUpdate({ target: [sessions.shop, sessions.id], set: row });
});

const deleteSessions = defineWrite(
  "session.delete",
  z.object({ ids: z.array(z.string()) }),
  async (tx, { ids }, { shop }) => {
    await tx.delete(sessions).where(and(eq(sessions.shop, shop), inArray(sessions.id, ids)));
  },
);

/**
 * The shop that a session id belongs to: `offline_<shop>`, or `<shop>_<user>` for an online one. Row-level
 * security needs it before the row can be read.
 */
export function shopOfSessionId(id: string): string {
  return id.startsWith("offline_") ? id.slice("offline_".length) : id.replace(/_\d+$/, "");
}

/**
 * Sessions in Postgres. Unlike the stock adapter it never answers "no session" because the database is away
 * (that reads as "uninstalled"), and it keeps refresh tokens.
 */
export class PostgresSessionStorage implements SessionStorage {
  readonly #cluster: Cluster;
  /** The sessions that this process has seen: what signs merchants in while the table cannot be read. */
  readonly #known = new LRUCache<string, Session>({ max: 10_000 });

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async storeSession(session: Session): Promise<boolean> {
    const s = session.toObject();
    // A token pair is written once: the operation id is the pair itself, hashed.
    const pair = createHash("sha256")
      .update(`${s.id}\0${s.accessToken ?? ""}\0${s.refreshToken ?? ""}`)
      .digest("hex");
    await this.#cluster.write(s.shop, `session:${pair}`, storeSession, {
      id: s.id,
      isOnline: s.isOnline,
      state: s.state,
      scope: s.scope ?? null,
      expiresAt: s.expires?.toISOString() ?? null,
      accessToken: s.accessToken ?? null,
      refreshToken: s.refreshToken ?? null,
      refreshTokenExpiresAt: s.refreshTokenExpires?.toISOString() ?? null,
      userId: s.onlineAccessInfo?.associated_user.id ?? null,
      onlineAccessInfo: s.onlineAccessInfo ?? null,
    });
    this.#known.set(session.id, session);
    return true;
  }

  /**
   * Reads a session; where the table cannot be read, gives the one that this process has seen last.
   *
   * @throws DatabaseError when it can be neither read nor remembered.
   */
  async loadSession(id: string): Promise<Session | undefined> {
    const known = this.#known.get(id);
    // A known outage costs nobody a timeout.
    if (known && !this.#cluster.readable) return known;
    try {
      return await this.#read(id);
    } catch (error) {
      if (known && error instanceof DatabaseError && error.kind !== "permanent") return known;
      throw error;
    }
  }

  async #read(id: string): Promise<Session | undefined> {
    const shop = shopOfSessionId(id);
    const { value: rows } = await this.#cluster.read(shop, (db) =>
      db
        .select()
        .from(sessions)
        .where(and(eq(sessions.shop, shop), eq(sessions.id, id))),
    );
    const session = rows[0] && toSession(rows[0]);
    if (session) this.#known.set(id, session);
    else this.#known.delete(id);
    return session;
  }

  async deleteSession(id: string): Promise<boolean> {
    return this.deleteSessions([id]);
  }

  async deleteSessions(ids: string[]): Promise<boolean> {
    const byShop = Map.groupBy(ids, shopOfSessionId);
    for (const [shop, shopIds] of byShop) {
      await this.#cluster.write(shop, `session.delete:${crypto.randomUUID()}`, deleteSessions, {
        ids: shopIds,
      });
      for (const id of shopIds) this.#known.delete(id);
    }
    return true;
  }

  async findSessionsByShop(shop: string): Promise<Session[]> {
    const { value: rows } = await this.#cluster.read(shop, (db) =>
      db.select().from(sessions).where(eq(sessions.shop, shop)),
    );
    return rows.map(toSession);
  }

  /** Whether this process has seen the session good for another five minutes at least. */
  knowsGood(id: string): boolean {
    // The library exchanges a token that has less than five minutes left.
    return this.#known.get(id)?.isActive(undefined, 5 * 60_000) ?? false;
  }
}

function toSession(row: typeof sessions.$inferSelect): Session {
  const given = <K extends string, V>(key: K, value: V | null) =>
    (value === null ? {} : { [key]: value }) as Partial<Record<K, V>>;
  return new Session({
    id: row.id,
    shop: row.shop,
    state: row.state,
    isOnline: row.isOnline,
    ...given("scope", row.scope),
    ...given("expires", row.expiresAt),
    ...given("accessToken", row.accessToken),
    ...given("refreshToken", row.refreshToken),
    ...given("refreshTokenExpires", row.refreshTokenExpiresAt),
    ...given("onlineAccessInfo", row.onlineAccessInfo),
  } as ConstructorParameters<typeof Session>[0]);
}
