import { Badge, type BadgeProps } from "@shopify/polaris";
import { AlertCircleIcon, CheckIcon, ClockIcon, MobileIcon } from "@shopify/polaris-icons";
import type { PendingChange } from "../commands/types.ts";
import type { Words } from "../words/words.ts";
import { useWords } from "./localisation.tsx";

/** Where a change is, in words: its ring, and what happens there. */
export function ringWords(words: Words, { ring, state }: PendingChange): string {
  switch (state) {
    case "held":
      return words.change.ring.held;
    case "discarded":
      return words.change.ring.discarded;
    case "sending":
      return words.change.ring.sending;
    case "unknown":
      return words.change.ring.checking;
    default:
      return words.change.ring[ring];
  }
}

const looks: Record<PendingChange["ring"], Pick<BadgeProps, "tone" | "icon">> = {
  device: { tone: "attention", icon: MobileIcon },
  server: { tone: "info", icon: ClockIcon },
  shopify: { tone: "info", icon: ClockIcon },
  done: { tone: "success", icon: CheckIcon },
  "needs-you": { tone: "warning", icon: AlertCircleIcon },
};

/** The ring in which a change is: the same colours and words wherever a change is shown. */
export function ChangeBadge({ change }: { readonly change: PendingChange }) {
  const words = useWords();
  const look = change.state === "discarded" ? {} : looks[change.ring];
  return <Badge {...look}>{ringWords(words, change)}</Badge>;
}

/** Where a change leads to, if the app has a page for it. */
export function changeAddress({ resource }: Pick<PendingChange, "resource">): string | null {
  const [kind, id] = resource.split("/");
  if (kind === "taken_order" && id) return `/app/orders/taken/${id}`;
  return kind === "order" && id ? `/app/orders/${id}` : null;
}
