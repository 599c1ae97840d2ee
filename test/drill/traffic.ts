import { createHmac, randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { signSessionToken } from "../sandbox/shopify/session-token.ts";
import { createClock } from "./clock.ts";
import { HistoryWriter, type Completion } from "./history.ts";
import type { TrafficConfig, TrafficEnd } from "./messages.ts";
import { serveParent } from "./process.ts";
import { below } from "./workload.ts";

/*
 * What comes to the app by HTTP: webhooks at a steady rate, each sent again until it is answered 200, as Shopify
 * does it, and a merchant who looks at one page after the other.
 */

/** Shopify's own limit for an answer (docs: Webhooks best practices). */
const ANSWER_MS = 5_000;
/** Shopify waits from 10 s to 2 h between its attempts; a drill is over by then. */
const RETRY_MS = 1_000;
/** Once the load has ended, what is still undelivered is sent again for so long. */
const GRACE_MS = 15_000;
/** So many come a second time although they were answered: Shopify promises no less. */
const DUPLICATE_SHARE = 0.02;
const PAGE_MS = 10_000;

/** Pages and health, by turns: the data that a merchant's browser asks for, without the markup around it. */
const PAGES = ["/app/orders.data", "/app/inventory.data", "/app/products.data", "/health"];
/** Bots are turned away, and a program without a browser's name is taken for one. */
const USER_AGENT = "Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 Chrome/147.0 Safari/537.36";

serveParent<TrafficConfig, TrafficEnd>(async (config, { send, stopped }) => {
  const { name, appUrl, shop, run } = config;
  const clock = createClock(config.originMs);
  const history = new HistoryWriter(config.historyFile, clock);
  const underWay = new Set<Promise<void>>();
  let sent = 0;
  let undelivered = 0;
  let giveUpAt = Infinity;

  const start = (task: Promise<void>) => {
    underWay.add(task);
    void task.finally(() => underWay.delete(task));
  };

  async function deliver(n: number): Promise<void> {
    const id = `${run}-${n}-${randomUUID()}`;
    const body = JSON.stringify({ id: 9_000_000_000_000 + below(1_000_000_000) });
    sent++;
    while (!(await attempt(id, body))) {
      if (clock.now() > giveUpAt) {
        undelivered++;
        return;
      }
      await wait(RETRY_MS);
    }
    if (Math.random() < DUPLICATE_SHARE) {
      await wait(below(500));
      await attempt(id, body);
    }
  }

  /** @returns whether it was answered 200. */
  async function attempt(id: string, body: string): Promise<boolean> {
    const end = history.begin({ kind: "webhook", process: name, key: shop, operationId: id });
    const signature = createHmac("sha256", config.secret).update(body).digest("base64");
    const completion = await answered(
      fetch(`${appUrl}/webhooks`, {
        method: "POST",
        body,
        headers: {
          "content-type": "application/json",
          "x-shopify-hmac-sha256": signature,
          "x-shopify-topic": "products/delete",
          "x-shopify-shop-domain": shop,
          "x-shopify-api-version": "2026-10",
          "x-shopify-webhook-id": id,
          "x-shopify-triggered-at": new Date().toISOString(),
        },
        signal: AbortSignal.timeout(ANSWER_MS),
      }),
    );
    end(completion);
    return completion.outcome === "ok";
  }

  async function open(path: string): Promise<void> {
    const end = history.begin({ kind: "page", process: name, key: path });
    const token = signSessionToken({ ...config, userId: "548380009", now: new Date() });
    end(
      await answered(
        fetch(`${appUrl}${path}`, {
          headers: { authorization: `Bearer ${token}`, "user-agent": USER_AGENT },
          signal: AbortSignal.timeout(PAGE_MS),
        }),
      ),
    );
  }

  async function steadily(perSecond: number, act: (n: number) => Promise<void>): Promise<void> {
    const startedAt = clock.now();
    for (let n = 0; !stopped(); n++) {
      // By the plan, not by the last one's end: a slow answer does not hold the next one up.
      const dueInMs = startedAt + (n * 1_000) / perSecond - clock.now();
      if (dueInMs > 0) await wait(dueInMs);
      start(act(n));
    }
  }

  await Promise.all([
    steadily(config.webhooksPerSecond, deliver),
    steadily(config.pagesPerSecond, (n) => open(PAGES[n % PAGES.length] ?? "/health")),
  ]);
  giveUpAt = clock.now() + GRACE_MS;
  await Promise.all(underWay);
  history.close();
  send({ type: "end", sent, undelivered });
});

/** What the client makes of an answer, or of none. */
async function answered(request: Promise<Response>): Promise<Completion> {
  try {
    const response = await request;
    await response.arrayBuffer();
    const { status } = response;
    return status === 200
      ? { outcome: "ok", status }
      : { outcome: "failed", status, error: `http ${status}` };
  } catch (error) {
    const { name, cause } = error as { name: string; cause?: { code?: string } };
    return { outcome: "unknown", error: cause?.code ?? name };
  }
}
