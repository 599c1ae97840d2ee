import { bulksUnderWay } from "../commands/bulk.server.ts";
import type { Commands } from "../commands/commands.server.ts";
import { withKept, type KeptCommands } from "../commands/kept.server.ts";
import { countUnsettled, getChange, listChanges } from "../commands/queries.server.ts";
import type { ChangeDetail, ChangeFilter, PendingChange } from "../commands/types.ts";
import type { DurableWrites } from "../continuity/durable-writes.ts";
import type { ReadThrough } from "../continuity/read-through.ts";
import { mapSourced, type Sourced } from "../continuity/sourced.ts";
import type { Cluster } from "../database/cluster.ts";
import { DatabaseError } from "../database/errors.ts";
import { listInventory, listLocations } from "../inventory/queries.server.ts";
import { getOrder, listOrders } from "../orders/queries.server.ts";
import {
  CATALOGUE,
  findCustomers,
  findVariants,
  searchKept,
  type SellableVariant,
} from "../orders/take-search.server.ts";
import { getTaken, keptTaken, listTaken, takenWithKept } from "../orders/taken.server.ts";
import type { TakenOrder } from "../orders/taken-types.ts";
import { changeMark, getOverview, getShop } from "../overview/queries.server.ts";
import type { ChangeMark } from "../overview/types.ts";
import { getProduct, listProducts } from "../products/queries.server.ts";
import { getSettings, settingsWithKept } from "../settings/settings.server.ts";
import type { Settings } from "../settings/settings.ts";
import type { Sync } from "../sync/sync.server.ts";
import { listSavedViews, viewsWithKept } from "../views/saved-views.server.ts";
import type { SavedView, ViewPage } from "../views/types.ts";
import {
  inventoryWithKept,
  markWithKept,
  ordersWithKept,
  orderWithKept,
  overviewWithKept,
} from "./kept-changes.server.ts";

export interface PageReadsOptions {
  readonly cluster: Cluster;
  readonly sync: Sync;
  readonly reads: ReadThrough;
  readonly commands: Pick<Commands, "kept">;
  readonly writes: Pick<DurableWrites, "waiting">;
}

/**
 * What pages read, each with the last answer behind it: while the database is away, a page that was open
 * before can be opened again, and says how old it is. What was accepted meanwhile is shown with it.
 */
export function createPageReads({ cluster, sync, reads, commands, writes }: PageReadsOptions) {
  const through =
    <Input extends unknown[], T>(
      name: string,
      query: (cluster: Cluster, shop: string, ...input: Input) => Promise<Sourced<T>>,
    ) =>
    (shop: string, ...input: Input): Promise<Sourced<T>> =>
      reads.read({ shop, name, input }, () => query(cluster, shop, ...input));

  /** Adds what is kept after the read: what had come into the database by then is in what was read. */
  const withKeptChanges =
    <Input extends unknown[], T>(
      read: (shop: string, ...input: Input) => Promise<Sourced<T>>,
      add: (value: T, kept: KeptCommands) => T,
    ) =>
    async (shop: string, ...input: Input): Promise<Sourced<T>> => {
      const sourced = await read(shop, ...input);
      const kept = await commands.kept(shop);
      return mapSourced(sourced, (value) => add(value, kept));
    };

  /** The same, with what is kept here alone where nothing else is to be had. */
  const orKept =
    <Input extends unknown[], T>(
      read: (shop: string, ...input: Input) => Promise<Sourced<T>>,
      add: (value: T, kept: KeptCommands, ...input: Input) => T,
      nothing: T,
    ) =>
    async (shop: string, ...input: Input): Promise<Sourced<T>> => {
      const known = await read(shop, ...input).catch(unlessAway);
      const kept = await commands.kept(shop);
      if (!known && keptTaken(kept).length === 0) throw nothingKnown();
      return {
        ...(known ?? { source: "disk", asOf: new Date() }),
        value: add(known?.value ?? nothing, kept, ...input),
      };
    };

  const variants = through("variants", findVariants);
  const catalogue = (shop: string): Promise<Sourced<SellableVariant[]>> =>
    reads.read({ shop, name: "catalogue" }, () => findVariants(cluster, shop, "", CATALOGUE));

  const changes = through("changes", listChanges);
  const change = through("change", getChange);
  const settings = through("settings", getSettings);
  const views = through("views", listSavedViews);

  return {
    getOverview: withKeptChanges(through("overview", getOverview), overviewWithKept),
    getShop: through("shop", getShop),
    listOrders: withKeptChanges(through("orders", listOrders), ordersWithKept),
    getOrder: withKeptChanges(through("order", getOrder), orderWithKept),
    listInventory: withKeptChanges(through("inventory", listInventory), inventoryWithKept),
    listLocations: through("locations", listLocations),
    listProducts: through("products", listProducts),
    getProduct: through("product", getProduct),
    listTaken: orKept(through("taken-orders", listTaken), takenWithKept, []),

    getTaken: orKept(
      through("taken-order", getTaken),
      (known: TakenOrder | null, kept, id) =>
        takenWithKept(known ? [known] : [], kept).find((order) => order.id === id) ?? null,
      null,
    ),

    /** Searches what can be sold; what was kept of the catalogue, while the database cannot. */
    async findVariants(shop: string, search: string): Promise<Sourced<SellableVariant[]>> {
      if (search.trim() === "") return mapSourced(await catalogue(shop), (all) => all.slice(0, 12));
      const found = await variants(shop, search).catch(unlessAway);
      return found ?? mapSourced(await catalogue(shop), (all) => searchKept(all, search));
    },

    /** Has the catalogue kept for a search without the database. */
    catalogue,

    findCustomers: through("customers", findCustomers),

    syncProgress: (shop: string) => reads.read({ shop, name: "sync" }, () => sync.progress(shop)),

    async getSettings(shop: string): Promise<Sourced<Settings>> {
      const known = await settings(shop);
      const waiting = await writes.waiting(shop);
      return mapSourced(known, (value) => settingsWithKept(value, waiting));
    },

    async listSavedViews(shop: string, page: ViewPage): Promise<Sourced<SavedView[]>> {
      const known = await views(shop, page);
      const waiting = await writes.waiting(shop);
      return mapSourced(known, (value) => viewsWithKept(value, waiting, page));
    },

    /** Changes; those that are kept here alone while nothing else can be had. */
    async listChanges(shop: string, state: ChangeFilter): Promise<Sourced<PendingChange[]>> {
      const known = await changes(shop, { state }).catch(unlessAway);
      const kept = await commands.kept(shop);
      const all = withKept(known?.value ?? [], kept, state);
      if (known) return { ...known, value: all };
      if (all.length === 0) throw nothingKnown();
      return { value: all, source: "disk", asOf: new Date() };
    },

    countUnsettled: through("unsettled", countUnsettled),
    bulksUnderWay: through("bulks", bulksUnderWay),

    /** One change with its story; one that is kept here has none yet. */
    async getChange(shop: string, operationId: string): Promise<Sourced<ChangeDetail | null>> {
      const known = await change(shop, operationId).catch(unlessAway);
      if (known?.value) return known;
      const kept = (await commands.kept(shop)).submitted.find(
        ({ submission }) => submission.commandId === operationId,
      );
      if (!kept && !known) throw new DatabaseError("notExecuted", "NO_NODE", "Nothing is known.");
      if (!kept) return { ...known!, value: null };
      const { input, requestedBy } = kept.submission;
      const value = { ...kept.change, input, names: {}, requestedBy, events: [] };
      return { value, source: "disk", asOf: new Date() };
    },

    /** Whether anything has changed; while the database is away, only whether what is kept has. */
    async changeMark(shop: string): Promise<ChangeMark> {
      const kept = await commands.kept(shop);
      const known = await changeMark(cluster, shop).catch((error: unknown) => {
        if (kept.submitted.length + kept.decided.size === 0) throw error;
        return unlessAway(error);
      });
      const nothing: ChangeMark = { mark: "", pending: 0, needYou: 0, syncing: false };
      return markWithKept(known?.value ?? nothing, kept);
    },
  };
}

function nothingKnown(): DatabaseError {
  return new DatabaseError("notExecuted", "NO_NODE", "Nothing is known.");
}

/** @throws what is not an outage. */
function unlessAway(error: unknown): null {
  if (error instanceof DatabaseError && error.kind !== "permanent") return null;
  throw error;
}

export type PageReads = ReturnType<typeof createPageReads>;
