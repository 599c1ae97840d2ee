import { createHmac, randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { COMPLIANCE_TOPICS, type WebhookSubscription } from "./app-toml.ts";
import type { PlatformShop, ProtectedData, ShopEvent } from "./platform-shop.ts";
import { redactPayload } from "./redaction.ts";

/** Deadlines for one attempt (docs: Webhooks best practices). */
const CONNECT_MS = 1_000;
const TOTAL_MS = 5_000;

/**
 * Waits before the 8 retries, in seconds, about 4 hours in all. Number and span are documented
 * (Troubleshoot webhooks), the steps between them assumed.
 */
export const RETRY_SECONDS = [10, 30, 60, 300, 900, 1_800, 3_600, 7_200] as const;

/** Deliveries kept in the log when they are over; those under way are always kept. */
const LOG_LIMIT = 5_000;

/** Requests under way at once to the app. */
const IN_FLIGHT_LIMIT = 128;

/** One try to deliver. */
export interface DeliveryAttempt {
  readonly at: Date;
  readonly durationMs: number;
  /** Absent when there was no answer. */
  readonly status?: number;
  readonly error?: string;
}

/** One event on its way to one subscription. */
export interface Delivery {
  /** `X-Shopify-Webhook-Id`: the same in every attempt. */
  readonly webhookId: string;
  /** `X-Shopify-Event-Id`: the same for all subscriptions to the event. */
  readonly eventId: string;
  readonly shop: string;
  readonly topic: string;
  readonly uri: string;
  readonly resourceId: string;
  readonly triggeredAt: Date;
  readonly body: string;
  readonly name?: string;
  state: "waiting" | "under way" | "retrying" | "delivered" | "given up" | "lost";
  readonly attempts: DeliveryAttempt[];
}

/** How much Shopify's delivery misbehaves. All rates are between 0 and 1. */
export interface WebhookBehaviour {
  /** Part of the deliveries that come twice. */
  duplicateRate?: number;
  /** Part of the deliveries that are held back by up to `disorderMs`, so that later ones overtake. */
  disorderRate?: number;
  disorderMs?: number;
  /** Part of the events that are never delivered at all. */
  lossRate?: number;
}

/** What can be changed about a single webhook that is sent by hand. */
export interface WebhookOverrides {
  /** Sent instead of the payload's JSON. */
  rawBody?: string | Buffer;
  /** Signs with another secret. */
  secret?: string;
  /** Replace or, when undefined, leave out single headers. */
  headers?: Record<string, string | undefined>;
  /** Path or address; the topic's subscription when absent. */
  uri?: string;
  method?: string;
}

export interface WebhookAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface WebhookSenderOptions {
  secret: string;
  apiVersion: string;
  subscriptions: readonly WebhookSubscription[];
  /** Where the app is. */
  appUrl: () => string;
  /** Retry waits and disorder take this many times less than at Shopify; deadlines never shrink. */
  timeScale: number;
  random: () => number;
  now: () => Date;
  isInstalled: (shop: string) => boolean;
  /** What the app has been approved for: it is told no more than that. */
  protectedData: () => ProtectedData;
}

export interface WebhookCounts {
  events: number;
  delivered: number;
  attempts: number;
  failedAttempts: number;
  duplicates: number;
  givenUp: number;
  lost: number;
}

/**
 * Delivers what happens in the shops to the app's subscriptions: signed, with Shopify's deadlines and
 * retries, without any promise of order. Emits `delivery` whenever one changes its state.
 */
export class WebhookSender extends EventEmitter {
  readonly #options: WebhookSenderOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT_LIMIT });
  readonly #pending = new Set<Delivery>();
  readonly #log: Delivery[] = [];
  readonly #queue: Delivery[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #listening: { shop: PlatformShop; listener: (event: ShopEvent) => void }[] = [];
  readonly #counts: WebhookCounts = {
    events: 0,
    delivered: 0,
    attempts: 0,
    failedAttempts: 0,
    duplicates: 0,
    givenUp: 0,
    lost: 0,
  };
  #behaviour: WebhookBehaviour = {};
  #inFlight = 0;
  #paused = false;
  #closed = false;

  constructor(options: WebhookSenderOptions) {
    super();
    this.#options = options;
  }

  /** Delivers the events of a shop from now on. */
  watch(shop: PlatformShop): void {
    const listener = (event: ShopEvent) => {
      const payload = redactPayload(event.topic, event.payload, this.#options.protectedData());
      if (payload) this.#publish(shop.domain, { ...event, payload });
    };
    shop.events.on("event", listener);
    this.#listening.push({ shop, listener });
  }

  /** Makes deliveries come twice, out of order or not at all. */
  behave(behaviour: WebhookBehaviour): void {
    this.#behaviour = { ...behaviour };
  }

  get behaviour(): Readonly<WebhookBehaviour> {
    return this.#behaviour;
  }

  /** Holds everything back, first attempts and retries alike, until `resume()`. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#pump();
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Deliveries that are under way, and the latest of those that are over; oldest first. */
  deliveries(): readonly Readonly<Delivery>[] {
    return this.#log;
  }

  get counts(): Readonly<WebhookCounts> & { readonly pending: number } {
    return { ...this.#counts, pending: this.#pending.size };
  }

  /** Resolves when no delivery is waiting, under way or to be retried. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) {
      await new Promise<void>((resolve) => this.once("idle", resolve));
    }
  }

  /** Publishes an event that has no shop behind it, as compliance topics and uninstalls are. */
  publish(shop: string, topic: string, payload: object, resourceId = ""): void {
    this.#publish(shop, { topic, payload, resourceId, triggeredAt: this.#options.now() });
  }

  /**
   * Sends one webhook by hand, once, and gives back the app's answer: forged, oversized, or right.
   *
   * @throws Error when the app does not answer within the deadlines.
   */
  async send(
    topic: string,
    shop: string,
    payload: unknown,
    overrides: WebhookOverrides = {},
  ): Promise<WebhookAnswer> {
    const subscription = this.#options.subscriptions.find((one) => one.topic === topic);
    const uri = overrides.uri ?? subscription?.uri;
    if (uri === undefined) throw new Error(`The app has no subscription to ${topic}.`);
    const body = Buffer.from(overrides.rawBody ?? JSON.stringify(payload));
    const headers: Record<string, string> = this.#headers(body, overrides.secret, {
      topic,
      shop,
      webhookId: randomUUID(),
      eventId: randomUUID(),
      triggeredAt: this.#options.now(),
      ...(subscription?.name ? { name: subscription.name } : {}),
    });
    for (const [name, value] of Object.entries(overrides.headers ?? {})) {
      const known = Object.keys(headers).find((key) => key.toLowerCase() === name.toLowerCase());
      if (known) delete headers[known];
      if (value !== undefined) headers[name] = value;
    }
    return this.#post(uri, headers, body, overrides.method);
  }

  /** Asks the app for a customer's data (docs: Privacy law compliance). */
  requestCustomerData(shop: PlatformShop, customer: ComplianceCustomer, orders: number[]): void {
    this.publish(shop.domain, "customers/data_request", {
      shop_id: Number(shop.id),
      shop_domain: shop.domain,
      orders_requested: orders,
      customer,
      data_request: { id: Math.floor(this.#options.random() * 1e9) },
    });
  }

  /** Asks the app to erase a customer (docs: Privacy law compliance). */
  redactCustomer(shop: PlatformShop, customer: ComplianceCustomer, orders: number[]): void {
    this.publish(shop.domain, "customers/redact", {
      shop_id: Number(shop.id),
      shop_domain: shop.domain,
      customer,
      orders_to_redact: orders,
    });
  }

  /** Asks the app to erase a shop, as Shopify does 48 hours after uninstalling. */
  redactShop(shop: PlatformShop): void {
    this.publish(shop.domain, "shop/redact", {
      shop_id: Number(shop.id),
      shop_domain: shop.domain,
    });
  }

  /** Stops at once: what was not delivered stays undelivered. */
  close(): void {
    this.#closed = true;
    for (const { shop, listener } of this.#listening) shop.events.off("event", listener);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#pending.clear();
    this.#queue.length = 0;
    this.#agent.destroy();
    this.emit("idle");
  }

  #publish(shop: string, event: ShopEvent): void {
    if (this.#closed) return;
    const farewell =
      event.topic === "app/uninstalled" ||
      (COMPLIANCE_TOPICS as readonly string[]).includes(event.topic);
    if (!farewell && !this.#options.isInstalled(shop)) return;
    const eventId = randomUUID();
    for (const subscription of this.#options.subscriptions) {
      if (subscription.topic !== event.topic) continue;
      this.#counts.events += 1;
      const payload = subscription.includeFields
        ? pick(event.payload as Record<string, unknown>, subscription.includeFields)
        : event.payload;
      const delivery: Delivery = {
        webhookId: randomUUID(),
        eventId,
        shop,
        topic: event.topic,
        uri: subscription.uri,
        resourceId: event.resourceId,
        triggeredAt: event.triggeredAt,
        body: JSON.stringify(payload),
        ...(subscription.name ? { name: subscription.name } : {}),
        state: "waiting",
        attempts: [],
      };
      this.#record(delivery);
      if (this.#chance(this.#behaviour.lossRate)) {
        this.#counts.lost += 1;
        delivery.state = "lost";
        this.emit("delivery", delivery);
        continue;
      }
      this.#pending.add(delivery);
      if (this.#chance(this.#behaviour.disorderRate)) {
        const spread = (this.#behaviour.disorderMs ?? 2_000) / this.#options.timeScale;
        this.#after(this.#options.random() * spread, () => this.#enqueue(delivery));
      } else {
        this.#enqueue(delivery);
      }
    }
  }

  #enqueue(delivery: Delivery): void {
    this.#queue.push(delivery);
    this.#pump();
  }

  #pump(): void {
    while (!this.#paused && !this.#closed && this.#inFlight < IN_FLIGHT_LIMIT) {
      const delivery = this.#queue.shift();
      if (!delivery) return;
      this.#inFlight += 1;
      void this.#attempt(delivery).finally(() => {
        this.#inFlight -= 1;
        this.#pump();
      });
    }
  }

  async #attempt(delivery: Delivery): Promise<void> {
    this.#state(delivery, "under way");
    const body = Buffer.from(delivery.body);
    const headers = this.#headers(body, undefined, delivery);
    const at = this.#options.now();
    const startedMs = performance.now();
    this.#counts.attempts += 1;
    let outcome: { status?: number; error?: string };
    try {
      // A duplicate is the same delivery once more, id and all, beside the first or after it.
      const twice = this.#chance(this.#behaviour.duplicateRate);
      const beside = twice && this.#options.random() < 0.5;
      const send = () => this.#post(delivery.uri, headers, body);
      const twin = beside ? send().catch(() => undefined) : undefined;
      const { status } = await send();
      outcome = { status };
      if (twice) {
        this.#counts.duplicates += 1;
        await (twin ?? send().catch(() => undefined));
      }
    } catch (error) {
      outcome = { error: error instanceof Error ? error.message : String(error) };
    }
    if (this.#closed) return;
    delivery.attempts.push({ at, durationMs: performance.now() - startedMs, ...outcome });
    if (outcome.status !== undefined && outcome.status >= 200 && outcome.status < 300) {
      this.#counts.delivered += 1;
      this.#finish(delivery, "delivered");
      return;
    }
    this.#counts.failedAttempts += 1;
    const wait = RETRY_SECONDS[delivery.attempts.length - 1];
    if (wait === undefined) {
      this.#counts.givenUp += 1;
      this.#finish(delivery, "given up");
      return;
    }
    this.#state(delivery, "retrying");
    this.#after((wait * 1_000) / this.#options.timeScale, () => this.#enqueue(delivery));
  }

  #headers(
    body: Buffer,
    secret: string | undefined,
    delivery: Pick<Delivery, "topic" | "shop" | "webhookId" | "eventId" | "triggeredAt" | "name">,
  ): Record<string, string> {
    return {
      "Content-Type": "application/json",
      "User-Agent": "Shopify-Captain-Hook",
      "X-Shopify-Topic": delivery.topic,
      "X-Shopify-Shop-Domain": delivery.shop,
      "X-Shopify-API-Version": this.#options.apiVersion,
      "X-Shopify-Webhook-Id": delivery.webhookId,
      "X-Shopify-Event-Id": delivery.eventId,
      "X-Shopify-Triggered-At": delivery.triggeredAt.toISOString(),
      "X-Shopify-Hmac-Sha256": createHmac("sha256", secret ?? this.#options.secret)
        .update(body)
        .digest("base64"),
      ...(delivery.name ? { "X-Shopify-Name": delivery.name } : {}),
    };
  }

  #post(
    uri: string,
    headers: Record<string, string>,
    body: Buffer,
    method = "POST",
  ): Promise<WebhookAnswer> {
    const url = new URL(uri, this.#options.appUrl());
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    return new Promise<WebhookAnswer>((resolve, reject) => {
      const request = send(url, {
        method,
        headers: { ...headers, "Content-Length": String(body.length) },
        ...(url.protocol === "http:" ? { agent: this.#agent } : {}),
      });
      const deadline = setTimeout(() => request.destroy(new Error("no answer in 5 s")), TOTAL_MS);
      const fail = (error: Error) => {
        clearTimeout(deadline);
        reject(error);
      };
      request.on("error", fail);
      request.on("socket", (socket: Socket) => {
        if (!socket.connecting) return;
        const connect = setTimeout(
          () => request.destroy(new Error("no connection in 1 s")),
          CONNECT_MS,
        );
        const settle = () => clearTimeout(connect);
        socket.once("connect", settle).once("close", settle);
      });
      request.on("response", (response: IncomingMessage) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", fail);
        response.on("end", () => {
          clearTimeout(deadline);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString("utf8"),
          });
        });
      });
      request.end(body);
    });
  }

  #record(delivery: Delivery): void {
    this.#log.push(delivery);
    if (this.#log.length <= LOG_LIMIT) return;
    const old = this.#log.findIndex((one) => !this.#pending.has(one));
    if (old >= 0) this.#log.splice(old, 1);
  }

  #state(delivery: Delivery, state: Delivery["state"]): void {
    delivery.state = state;
    this.emit("delivery", delivery);
  }

  #finish(delivery: Delivery, state: "delivered" | "given up"): void {
    this.#pending.delete(delivery);
    this.#state(delivery, state);
    if (this.#pending.size === 0) this.emit("idle");
  }

  #after(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
  }

  #chance(rate: number | undefined): boolean {
    return rate !== undefined && rate > 0 && this.#options.random() < rate;
  }
}

/** A customer as compliance webhooks name them. */
export interface ComplianceCustomer {
  id: number;
  email: string | null;
  phone: string | null;
}

/** Keeps only the named fields; `line_items.id` goes into lists and objects alike. */
function pick(payload: Record<string, unknown>, fields: readonly string[]): object {
  const picked: Record<string, unknown> = {};
  const inner = new Map<string, string[]>();
  for (const field of fields) {
    const [head = "", ...rest] = field.split(".");
    if (rest.length === 0) {
      if (head in payload) picked[head] = payload[head];
    } else {
      inner.set(head, [...(inner.get(head) ?? []), rest.join(".")]);
    }
  }
  for (const [head, rest] of inner) {
    const value = payload[head];
    if (head in picked || value === undefined) continue;
    picked[head] = Array.isArray(value)
      ? value.map((item) => pick(item as Record<string, unknown>, rest))
      : typeof value === "object" && value !== null
        ? pick(value as Record<string, unknown>, rest)
        : value;
  }
  return picked;
}
