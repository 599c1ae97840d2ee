import { expect, test } from "vitest";
import {
  DeliveryBatches,
  type DueDelivery,
  type Lane,
  type NewDelivery,
} from "../../../app/webhooks/delivery-batches.ts";

const delivery = (id: string): NewDelivery => ({
  shop: "one.myshopify.com",
  id,
  topic: "orders/updated",
  apiVersion: "2026-10",
  eventId: null,
  triggeredAt: null,
  body: "{}",
});
const due = (id: string): DueDelivery => ({ delivery: delivery(id), sequence: null });

/** Batches that are ended by the test. */
function lanes() {
  const begun: { readonly lane: Lane; readonly ids: string[]; readonly end: () => void }[] = [];
  const batches = new DeliveryBatches((batch, lane) => {
    const { promise, resolve } = Promise.withResolvers<boolean[]>();
    const ids = batch.map((one) => one.delivery.id);
    begun.push({ lane, ids, end: () => resolve(ids.map(() => true)) });
    return promise;
  });
  return { begun, batches };
}

/** What was asked for by now has begun, as far as it may. */
const settled = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

test("what nobody waits for goes when nothing else does", async () => {
  const { begun, batches } = lanes();
  const live = batches.keep(delivery("live"), 60_000);
  const later = batches.keepLater([due("a"), due("b")]);
  await settled();
  expect(begun.map(({ ids }) => ids)).toEqual([["live"]]);
  begun[0]!.end();
  await live;
  await settled();
  expect(begun.map(({ lane, ids }) => [lane, ids])).toEqual([
    ["live", ["live"]],
    ["later", ["a", "b"]],
  ]);
  const next = batches.keep(delivery("next"), 60_000);
  await settled();
  expect(begun[2]).toMatchObject({ lane: "live", ids: ["next"] });
  for (const { end } of begun) end();
  await Promise.all([later, next]);
});

test("where there is always something else, it has its turn all the same", async () => {
  const { begun, batches } = lanes();
  const sent: Promise<unknown>[] = [batches.keep(delivery("live-0"), 60_000)];
  await settled();
  const later = batches.keepLater([due("a")]);
  for (let n = 1; !begun.some(({ lane }) => lane === "later"); n++) {
    expect(n).toBeLessThan(20);
    // The next one is there before the last one has ended: the lane is never idle.
    sent.push(batches.keep(delivery(`live-${n}`), 60_000));
    await settled();
    begun.find(({ ids }) => ids[0] === `live-${n - 1}`)!.end();
    await sent[n - 1];
    await settled();
  }
  expect(begun.filter(({ lane }) => lane === "live").length).toBeGreaterThan(4);
  for (const { end } of begun) end();
  await Promise.all([later, ...sent]);
});
