/** Moments are whole seconds since 1970, since Shopify's clock has no finer hand in any answer or payload. */
export type Seconds = number;

export const minute = 60;
export const hour = 3_600;
export const day = 86_400;

export function toSeconds(date: Date): Seconds {
  return Math.floor(date.getTime() / 1_000);
}

/** As in GraphQL answers: UTC, whole seconds. */
export function isoTime(at: Seconds): string {
  return `${new Date(at * 1_000).toISOString().slice(0, 19)}Z`;
}

/** A wall clock that knows its offset from UTC at any moment, remembered by the hour. */
export class Zone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  readonly #offsets = new Map<number, number>();

  constructor(name: string) {
    this.name = name;
    this.#format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
  }

  offsetMinutes(at: Seconds): number {
    const key = Math.floor(at / hour);
    let offset = this.#offsets.get(key);
    if (offset === undefined) {
      const text = this.#format
        .formatToParts(new Date(at * 1_000))
        .find((part) => part.type === "timeZoneName")?.value;
      const match = /GMT([+-])(\d{2}):(\d{2})/.exec(text ?? "");
      offset = match ? (match[1] === "-" ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3])) : 0;
      this.#offsets.set(key, offset);
    }
    return offset;
  }

  /** `+01:00` */
  offsetText(at: Seconds): string {
    const offset = this.offsetMinutes(at);
    const size = Math.abs(offset);
    const digits = (n: number) => String(n).padStart(2, "0");
    return `${offset < 0 ? "-" : "+"}${digits(Math.floor(size / 60))}:${digits(size % 60)}`;
  }

  /** As in webhook payloads: the shop's wall clock with its offset, `2026-11-21T11:00:00+01:00`. */
  isoTime(at: Seconds): string {
    const local = new Date((at + this.offsetMinutes(at) * 60) * 1_000);
    return local.toISOString().slice(0, 19) + this.offsetText(at);
  }

  /** Hour of the day and weekday (0 is Sunday) on the shop's wall clock. */
  wallClock(at: Seconds): { hour: number; weekday: number } {
    const local = new Date((at + this.offsetMinutes(at) * 60) * 1_000);
    return { hour: local.getUTCHours(), weekday: local.getUTCDay() };
  }
}
