import type { Random } from "./random.ts";
import { day, hour } from "./time.ts";
import type { Seconds, Zone } from "./time.ts";

/** How busy each hour of a day is, from midnight: a small peak at lunch, a large one in the evening. */
const hours = [
  3, 2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 11, 13, 12, 10, 10, 11, 12, 15, 19, 22, 20, 13, 6,
] as const;

/** How busy each weekday is, from Sunday. */
const weekdays = [1.3, 1.15, 0.95, 0.92, 0.95, 0.85, 0.88] as const;

/** One day a fortnight is a newsletter's. */
function dayFactor(at: Seconds): number {
  const number = Math.floor(at / day);
  const wobble = 0.85 + 0.3 * (((number * 2_654_435_761) >>> 0) / 4_294_967_296);
  return number % 14 === 5 ? wobble * 1.9 : wobble;
}

/** How many orders an hour may expect, in arbitrary units: the rhythm of a shop on its own wall clock. */
export function busyness(at: Seconds, zone: Zone): number {
  const clock = zone.wallClock(at);
  return (hours[clock.hour] ?? 1) * (weekdays[clock.weekday] ?? 1) * dayFactor(at);
}

/** Draws moments in [from, to) by the shop's rhythm, in order. */
export function drawOrderTimes(
  random: Random,
  zone: Zone,
  from: Seconds,
  to: Seconds,
  count: number,
): Seconds[] {
  const starts: Seconds[] = [];
  const reached: number[] = [];
  let total = 0;
  for (let start = from; start < to; start += hour) {
    const length = Math.min(hour, to - start);
    total += busyness(start, zone) * (length / hour);
    starts.push(start);
    reached.push(total);
  }
  const draws = Array.from({ length: count }, () => random.next() * total).sort((a, b) => a - b);
  let index = 0;
  return draws.map((draw) => {
    while ((reached[index] as number) <= draw) index++;
    const start = starts[index] as number;
    const before = index === 0 ? 0 : (reached[index - 1] as number);
    const within = (draw - before) / ((reached[index] as number) - before);
    return Math.floor(start + within * Math.min(hour, to - start));
  });
}
