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
import type { SyncProgress } from "../sync/types.ts";
import { useWords } from "./localisation.tsx";
import type { Words } from "../words/words.ts";

type Phase = SyncProgress["phases"][number];

/** Whether a shop's first import is not over: later comparisons run beside the work and are not shown here. */
export function isImporting(progress: SyncProgress | null): progress is SyncProgress {
  return progress?.kind === "import" && progress.state !== "done";
}

/** Whether this part of a shop is not all here yet, so that "nothing" may only mean "not yet". */
export function isStillComing(
  progress: SyncProgress | null,
  what: SyncProgress["phases"][number]["name"],
): boolean {
  return (
    isImporting(progress) &&
    progress.phases.some(({ name, state }) => name === what && state !== "done")
  );
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
export function ImportProgress({ progress }: { readonly progress: SyncProgress }) {
  const words = useWords();
  const failed = progress.state === "failed";
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
          {progress.phases.map((phase) => (
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
  if (!isImporting(progress)) return null;
  const phase = progress.phases.find(({ name }) => name === what);
  if (!phase || phase.state === "done") return null;
  return (
    <Box paddingBlockEnd="400">
      <Banner tone={progress.state === "failed" ? "warning" : "info"}>
        <p>
          {progress.state === "failed"
            ? words.importing.failed.title
            : words.importing.listPartial[what]}{" "}
          {words.importing.of(phase.done, phase.total)}
        </p>
      </Banner>
    </Box>
  );
}
