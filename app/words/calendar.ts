const DAY_MS = 24 * 60 * 60 * 1000;

/** How far the zone's clock is ahead of UTC at that instant. */
function offsetMs(at: Date, timeZone: string): number {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat("en-US", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    })
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  ) as Record<string, number>;
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return (
    Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at.getTime() / 1000) * 1000
  );
}

/** The calendar day of an instant in a time zone, as `2026-11-21`. */
export function calendarDay(at: Date, timeZone: string): string {
  return new Date(at.getTime() + offsetMs(at, timeZone)).toISOString().slice(0, 10);
}

/**
 * The instant at which a calendar day begins in a time zone, or null where the text is no day. Where
 * midnight is skipped by a change of the clocks, the first instant after it.
 */
export function startOfDay(day: string, timeZone: string): Date | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return null;
  const asUtc = Date.parse(`${day}T00:00:00Z`);
  // Date.parse also takes the 30th of February, and moves on to March.
  if (Number.isNaN(asUtc) || new Date(asUtc).toISOString().slice(0, 10) !== day) return null;
  const guess = asUtc - offsetMs(new Date(asUtc), timeZone);
  const start = new Date(asUtc - offsetMs(new Date(guess), timeZone));
  return calendarDay(start, timeZone) < day ? new Date(guess) : start;
}

/** The first instant that no longer belongs to the day. */
export function endOfDay(day: string, timeZone: string): Date | null {
  const start = startOfDay(day, timeZone);
  if (!start) return null;
  // A day lasts between 23 and 25 hours: half a day on is surely within the next one.
  const within = new Date(start.getTime() + 1.5 * DAY_MS);
  return startOfDay(calendarDay(within, timeZone), timeZone);
}
