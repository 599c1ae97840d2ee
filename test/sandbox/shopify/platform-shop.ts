import type { DocumentNode, ExecutionResult } from "graphql";
import type { Plan } from "./bucket.ts";

/** Something that happened in a shop and that apps may have subscribed to. */
export interface ShopEvent {
  /** As in `X-Shopify-Topic`: `orders/updated`. */
  readonly topic: string;
  /** Global id of the resource that it happened to. */
  readonly resourceId: string;
  /** The published payload shape, before `include_fields`. */
  readonly payload: object;
  readonly triggeredAt: Date;
}

/** A file that a shop offers for download: bulk operation results, pictures. */
export type ShopFile = string | Buffer | (() => AsyncIterable<string>);

/** What the platform needs of a shop; `ShopStore` is one. */
export interface PlatformShop {
  /** `evenkeel-demo.myshopify.com` */
  readonly domain: string;
  /** Numeric id, as text. */
  readonly id: string;
  readonly name: string;
  readonly currency: string;
  readonly plan: Plan;
  /** Emits `event` with a {@link ShopEvent}. */
  readonly events: ShopEvents;
  readonly files: ReadonlyMap<string, ShopFile>;
  /** Where the shop's pictures are; the platform sets it to an address that browsers here can reach. */
  imageBaseUrl?: string;
  /** The longest time, in ms, for which a write stays out of searches. */
  searchLagMs?: number;
}

/** The part of an event emitter that the platform uses. */
export interface ShopEvents {
  on(name: "event", listener: (event: ShopEvent) => void): unknown;
  off(name: "event", listener: (event: ShopEvent) => void): unknown;
}

/** Which levels of protected customer data the app has been approved for. */
export interface ProtectedData {
  /** Orders, customers and what belongs to them. */
  readonly level1: boolean;
  /** Names, addresses, e-mail addresses and phone numbers. */
  readonly level2: boolean;
}

/** What every resolver gets as its context. */
export interface AdminContext<Shop extends PlatformShop = PlatformShop> {
  readonly store: Shop;
  /** Granted scopes, with the reading that each writing includes. */
  readonly scopes: ReadonlySet<string>;
  /** Global id of the app. */
  readonly appId: string;
  readonly protectedData: ProtectedData;
  readonly now: () => Date;
  /** Numeric id of the staff member behind an online token. */
  readonly userId?: string;
  /** Runs a document with the same rights and without throttling, as bulk operations do. */
  readonly execute: (
    document: string | DocumentNode,
    variables?: Record<string, unknown>,
  ) => Promise<ExecutionResult>;
  /** The address at which the app can fetch a file of this shop. */
  readonly fileUrl: (path: string) => string;
}
