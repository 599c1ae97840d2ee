import { Box, InlineStack, Link, Text } from "@shopify/polaris";
import type { Sourced } from "../continuity/sourced.ts";
import { useFormat, useNow, useWords } from "./localisation.tsx";

export interface StatusLineProps {
  readonly of: Omit<Sourced<unknown>, "value">;
  readonly importing: boolean;
  readonly onTheWay: number;
  readonly needYou: number;
}

/** The one quiet line that says how things stand. */
export function StatusLine({ of, importing, onTheWay, needYou }: StatusLineProps) {
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const { status } = words.overview;
  const [look, text] =
    needYou > 0
      ? ["ek-dot ek-dot-attention", status.needYou(needYou)]
      : importing
        ? ["ek-dot ek-dot-busy", status.importing]
        : onTheWay > 0
          ? ["ek-dot ek-dot-busy", status.onTheWay(onTheWay)]
          : ["ek-dot", status.well];
  return (
    <Box paddingInline={{ xs: "400", sm: "0" }} paddingBlockEnd="400">
      <InlineStack gap="200" blockAlign="center">
        <span className={look} aria-hidden="true" />
        {/* Said again when the state changes, but not each time the clock moves on. */}
        <Text as="span" tone="subdued">
          <span role="status">{text}</span>
          {text === status.well ? ` ${status.asOf(format.moment(of.asOf, now))}` : null}
        </Text>
        <Link url="/app/resilience">{status.more}</Link>
      </InlineStack>
    </Box>
  );
}
