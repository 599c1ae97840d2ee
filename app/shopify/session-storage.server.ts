import { Session } from "@shopify/shopify-api";
import type { SessionStorage } from "@shopify/shopify-app-session-storage";
import { createHash, randomUUID } from "node:crypto";
import { and, eq, inArray, sql, type SQL } from "drizzle-orm";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import type { DurableDefinition } from "../continuity/durable-definition.ts";
import type { DurableWrites } from "../continuity/durable-writes.ts";
import type { Cluster, ShopDatabase } from "../database/cluster.ts";
import { DatabaseError } from "../database/errors.ts";
import { sessions } from "../database/schema.ts";
import { defineWrite } from "../database/write.ts";
import type { Logger } from "../observability/logger.server.ts";

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

type SessionInput = z.infer<typeof sessionInput>;

/** Access and refresh token are one row and one statement: half a pair is worse than none. */
async function put(
  tx: ShopDatabase,
  shop: string,
  input: SessionInput,
  setWhere?: SQL,
): Promise<null> {
  const row = { shop, ...rowOf(input), updatedAt: new Date() };
  await tx
    .insert(sessions)
    .values(row)
    .onConflictDoUpdate({
      target: [sessions.shop, sessions.id],
      set: row,
      ...(setWhere ? { setWhere } : {}),
    });
  return null;
}

function rowOf(input: SessionInput) {
  return {
    ...input,
    expiresAt: moment(input.expiresAt),
    refreshTokenExpiresAt: moment(input.refreshTokenExpiresAt),
    onlineAccessInfo: input.onlineAccessInfo ?? null,
  };
}

/** A pair that was rotated later ends later. */
const isNewer = sql`${sessions.expiresAt} is null or excluded.expires_at is null
  or excluded.expires_at >= ${sessions.expiresAt}`;

const storeSession: DurableDefinition<SessionInput, null> = {
  name: "session.store",
  schema: sessionInput,
  work: (tx, input, { shop }) => put(tx, shop, input),
  // A pair that was rotated since must not give way to the one before, whose refresh token is spent.
  later: (tx, input, { shop }) => put(tx, shop, input, isNewer),
};

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

export interface SessionStorageOptions {
  readonly cluster: Cluster;
  readonly writes: DurableWrites;
  readonly logger: Logger;
}

/**
 * Sessions in Postgres. Unlike the stock adapter it never answers "no session" because the database is away
 * (that reads as "uninstalled"), and it keeps refresh tokens: one that was used cannot be used again, so whatever
 * replaces it is kept as what a merchant asks for is.
 */
export class PostgresSessionStorage implements SessionStorage {
  readonly #cluster: Cluster;
  readonly #writes: DurableWrites;
  readonly #logger: Logger;
  /** The sessions that this process has seen: what signs merchants in while the table cannot be read. */
  readonly #known = new LRUCache<string, Session>({ max: 10_000 });
  /** Sessions that found neither database nor disk: stored as soon as there is a writer. */
  readonly #unstored = new Map<string, Session>();

  constructor({ cluster, writes, logger }: SessionStorageOptions) {
    this.#cluster = cluster;
    this.#writes = writes;
    this.#logger = logger;
    writes.register(storeSession);
    writes.register(deleteSessions);
    cluster.monitor.events.on("state", ({ to }) => {
      if (to !== "steady") return;
      for (const session of this.#unstored.values()) {
        this.storeSession(session).catch((error: unknown) =>
          this.#logger.warn({ shop: session.shop, err: error }, "a session is still not stored"),
        );
      }
    });
  }

  /** @throws DatabaseError when it could not be kept; this process goes on with it, and stores it when it can. */
  async storeSession(session: Session): Promise<boolean> {
    const s = session.toObject();
    // A token pair is written once: the operation id is the pair itself, hashed.
    const pair = createHash("sha256")
      .update(`${s.id}\0${s.accessToken ?? ""}\0${s.refreshToken ?? ""}`)
      .digest("hex");
    this.#known.set(session.id, session);
    this.#unstored.set(session.id, session);
    await this.#writes.write(s.shop, `session:${pair}`, storeSession, {
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
    if (this.#unstored.get(session.id) === session) this.#unstored.delete(session.id);
    return true;
  }

  /**
   * Reads a session; where the table cannot be read, gives the one that this process has seen last. One that was
   * stored since and that the table does not have yet comes before what the table has.
   *
   * @throws DatabaseError when it can be neither read nor remembered.
   */
  async loadSession(id: string): Promise<Session | undefined> {
    const kept = this.#unstored.get(id) ?? (await this.#kept(id));
    if (kept) return kept;
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
    const known = this.#known.get(id);
    // A standby, or a primary that a failover has set back, may have the pair before the last one.
    if (session && known && endsLater(known, session)) return known;
    if (session) this.#known.set(id, session);
    else this.#known.delete(id);
    return session;
  }

  /** The session as it was stored last, where that waits for the database. */
  async #kept(id: string): Promise<Session | undefined> {
    const waiting = await this.#writes.waiting(shopOfSessionId(id));
    const stored = waiting.flatMap(({ name, input }) => {
      const session = name === storeSession.name ? sessionInput.safeParse(input).data : undefined;
      return session?.id === id ? [session] : [];
    });
    const last = stored.at(-1);
    return last && toSession({ shop: shopOfSessionId(id), ...rowOf(last) });
  }

  async deleteSession(id: string): Promise<boolean> {
    return this.deleteSessions([id]);
  }

  async deleteSessions(ids: string[]): Promise<boolean> {
    const byShop = Map.groupBy(ids, shopOfSessionId);
    for (const [shop, shopIds] of byShop) {
      await this.#writes.write(shop, `session.delete:${randomUUID()}`, deleteSessions, {
        ids: shopIds,
      });
      for (const id of shopIds) {
        this.#known.delete(id);
        this.#unstored.delete(id);
      }
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

/** Of two pairs of a session the later one ends later. */
function endsLater(one: Session, other: Session): boolean {
  return (one.expires?.getTime() ?? 0) > (other.expires?.getTime() ?? 0);
}

function toSession(row: Omit<typeof sessions.$inferSelect, "updatedAt">): Session {
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
