import { expect, test } from "vitest";
import { SlowStart, type Urgency } from "../../../app/database/slow-start.ts";

const never = new AbortController().signal;
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** As many as want in at once, and how many of them are. */
function crowd(door: SlowStart, size: number, signal = never, urgency: Urgency = "live") {
  const inside = { count: 0 };
  for (let n = 0; n < size; n++) void door.enter(signal, urgency).then(() => inside.count++);
  return inside;
}

test("a warm server lets everybody in", async () => {
  const inside = crowd(new SlowStart(15), 100);
  await settled();
  expect(inside.count).toBe(100);
});

test("one that has just taken over lets a few in, and one more for each that is through", async () => {
  const door = new SlowStart(15);
  door.begin();
  const inside = crowd(door, 100);
  await settled();
  expect(inside.count).toBe(2);
  for (let through = 1; through <= 12; through++) {
    door.leave();
    await settled();
    expect(inside.count).toBe(2 + 2 * through);
  }
  door.leave();
  await settled();
  expect(inside.count).toBe(100);
});

test("whoever gives up is let go, and leaves room for the next", async () => {
  const door = new SlowStart(15);
  door.begin();
  crowd(door, 2);
  const impatient = new AbortController();
  const gone = crowd(door, 1, impatient.signal);
  const next = crowd(door, 1);
  impatient.abort();
  await settled();
  expect([gone.count, next.count]).toEqual([1, 0]);
  door.leave();
  door.leave();
  await settled();
  expect(next.count).toBe(1);
});

test("it can take over again", async () => {
  const door = new SlowStart(5);
  door.begin();
  crowd(door, 20);
  await settled();
  for (let n = 0; n < 20; n++) door.leave();
  door.begin();
  const inside = crowd(door, 20);
  await settled();
  expect(inside.count).toBe(2);
});

test("what nobody waits for does not begin while a server is new to those who are waited for", async () => {
  const door = new SlowStart(15);
  door.begin();
  const later = crowd(door, 4, never, "later");
  const live = crowd(door, 1);
  await settled();
  expect([live.count, later.count]).toEqual([1, 0]);
  await door.whenCalm();
  await settled();
  expect([live.count, later.count]).toEqual([1, 1]);
});

test("and goes behind them as long as they stand in line", async () => {
  const door = new SlowStart(15);
  door.begin();
  const live = crowd(door, 5);
  const later = crowd(door, 5, never, "later");
  await door.whenCalm();
  await settled();
  expect([live.count, later.count]).toEqual([2, 0]);
  for (let through = 1; through <= 2; through++) door.leave();
  await settled();
  expect([live.count, later.count]).toEqual([5, 1]);
});

test("it gives up as others do", async () => {
  const door = new SlowStart(15);
  door.begin();
  const impatient = new AbortController();
  const early = crowd(door, 1, impatient.signal, "later");
  impatient.abort();
  await settled();
  expect(early.count).toBe(1);
  await door.whenCalm();
  const patient = new AbortController();
  const late = crowd(door, 5, patient.signal, "later");
  await settled();
  patient.abort();
  await settled();
  expect(late.count).toBe(5);
});
