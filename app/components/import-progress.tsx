import {
  Badge,
  Banner,
  BlockStack,
  Box,
  Card,
  InlineStack,
  ProgressBar,
  Text,
} from "@shopify/polaris";
import { phaseNames, type PhaseName, type SyncProgress } from "../sync/types.ts";
import { useWords } from "./localisation.tsx";
import type { Words } from "../words/words.ts";

type Phase = SyncProgress["phases"][number];

/** Before the first run: all is still to come. */
const nothingYet: readonly Phase[] = phaseNames.map((name) => ({
  name,
  state: "waiting",
  done: 0,
  total: null,
  cursor: null,
}));

/**
 * Whether a shop's first import is not over: later comparisons run beside the work and are not shown here.
 *
 * @param progress - Null before the first run, which begins by itself as soon as the shop is signed in.
 */
export function isImporting(progress: SyncProgress | null): boolean {
  return progress === null || (progress.kind === "import" && progress.state !== "done");
}

/** Whether this part of a shop is not all here yet, so that "nothing" may only mean "not yet". */
export function isStillComing(progress: SyncProgress | null, what: PhaseName): boolean {
  return isImporting(progress) && phaseOf(progress, what)?.state !== "done";
}

function phaseOf(progress: SyncProgress | null, what: PhaseName): Phase | undefined {
  return (progress?.phases ?? nothingYet).find(({ name }) => name === what);
}

function percent({ state, done, total }: Phase): number {
  if (state === "done") return 100;
  // Something is seen to happen even before Shopify has said how much there is.
  if (!total) return done > 0 ? 10 : 0;
  return Math.min(99, Math.floor((done / total) * 100));
}

function amount(words: Words, phase: Phase): string {
  switch (phase.state) {
    case "done":
      return words.importing.ready;
    case "running":
      return words.importing.of(phase.done, phase.total);
    case "waiting":
      return words.importing.waiting;
  }
}

/** The first import in full: what is done, what is not, and what can be used already. */
export function ImportProgress({ progress }: { readonly progress: SyncProgress | null }) {
  const words = useWords();
  const failed = progress?.state === "failed";
  const text = failed ? words.importing.failed : null;
  return (
    <Card>
      <BlockStack gap="400">
        <BlockStack gap="100">
          <Text as="h2" variant="headingMd">
            {text?.title ?? words.importing.title}
          </Text>
          <Text as="p" tone="subdued">
            {text?.what ?? words.importing.intro}
          </Text>
        </BlockStack>
        <BlockStack gap="300">
          {(progress?.phases ?? nothingYet).map((phase) => (
            <BlockStack key={phase.name} gap="150">
              <InlineStack align="space-between" gap="200">
                <Text as="h3" variant="bodyMd" fontWeight="medium" id={`import-${phase.name}`}>
                  {words.importing.phase[phase.name]}
                </Text>
                {phase.state === "done" ? (
                  <Badge tone="success">{amount(words, phase)}</Badge>
                ) : (
                  <Text as="span" tone="subdued" numeric>
                    {amount(words, phase)}
                  </Text>
                )}
              </InlineStack>
              <ProgressBar
                progress={percent(phase)}
                size="small"
                tone={phase.state === "done" ? "success" : "highlight"}
                ariaLabelledBy={`import-${phase.name}`}
              />
            </BlockStack>
          ))}
        </BlockStack>
      </BlockStack>
    </Card>
  );
}

/** One line above a list that is not complete yet. */
export function ImportNotice({
  progress,
  what,
}: {
  readonly progress: SyncProgress | null;
  readonly what: "orders" | "inventory" | "products";
}) {
  const words = useWords();
  const phase = phaseOf(progress, what);
  if (!phase || !isStillComing(progress, what)) return null;
  return (
    <Box paddingBlockEnd="400">
      <Banner tone={progress?.state === "failed" ? "warning" : "info"}>
        <p>
          {progress?.state === "failed"
            ? words.importing.failed.title
            : words.importing.listPartial[what]}{" "}
          {words.importing.of(phase.done, phase.total)}
        </p>
      </Banner>
    </Box>
  );
}
