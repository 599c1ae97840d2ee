/**
 * The one time of a drill, in ms: the system's monotonic clock, which all processes of a machine share, moved so
 * that it reads like the wall clock did when the drill began. Moments of different processes can be compared.
 */
export interface DrillClock {
  now(): number;
  /** A moment by the wall clock, in this time; at most 1 ms too early, never too late. */
  at(date: Date): number;
}

/** What the parent hands to its processes. */
export function clockOrigin(): number {
  // Just after a tick, since the wall clock has whole milliseconds only.
  const tick = Date.now();
  let wall = Date.now();
  while (wall === tick) wall = Date.now();
  return wall - monotonicMs();
}

export function createClock(originMs: number): DrillClock {
  const now = () => originMs + monotonicMs();
  return {
    now,
    // By its age, so that a wall clock that is being corrected does not matter. Both moments are cut to whole
    // milliseconds, so their difference may be 1 ms too small.
    at: (date) => now() - (Date.now() - date.getTime()) - 1,
  };
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
