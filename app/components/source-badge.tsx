import { Badge, Tooltip } from "@shopify/polaris";
import type { Sourced } from "../continuity/sourced.ts";
import { useFormat, useNow, useReceivedAt, useWords } from "./localisation.tsx";

/** A replica that is less behind than this counts as live. */
const LIVE_WITHIN_MS = 5_000;

/** Says where a value is from and how old it is; says nothing while it is live. */
export function SourceBadge({ of }: { readonly of: Omit<Sourced<unknown>, "value"> }) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const receivedAt = useReceivedAt(of.asOf);
  const time = format.moment(of.asOf, now);
  switch (of.source) {
    case "primary":
      return null;
    case "replica": {
      const behindMs = receivedAt.getTime() - of.asOf.getTime();
      return behindMs < LIVE_WITHIN_MS && !of.lacksOwnWrites
        ? null
        : aged(words.source.behind(format.duration(behindMs)), format.exact(of.asOf));
    }
    case "memory":
    case "disk":
      return aged(words.source.saved(time), format.exact(of.asOf));
    case "browser":
      return aged(words.source.device(time), format.exact(of.asOf));
  }
}

function aged(text: string, exact: string) {
  return (
    <Tooltip content={exact}>
      <Badge tone="attention">{text}</Badge>
    </Tooltip>
  );
}

/** The oldest of what a page is made of decides what the page says about its age. */
export function oldest(
  first: Sourced<unknown>,
  ...others: readonly Sourced<unknown>[]
): Omit<Sourced<unknown>, "value"> {
  return others.reduce((old, other) => (other.asOf < old.asOf ? other : old), first);
}
