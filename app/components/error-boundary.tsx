import { useNavigation, useRevalidator, useRouteError } from "@remix-run/react";
import { BlockStack, Box, Button, Card, InlineStack, Page, Text } from "@shopify/polaris";
import { boundary } from "@shopify/shopify-app-remix/server";
import { useEffect, useRef } from "react";
import type { Words } from "../words/words.ts";
import { useWords } from "./localisation.tsx";
import { readProblem, type PageProblem } from "./problem.ts";
import { TitleBar } from "./title-bar.tsx";

/** The way back from an address that leads nowhere. */
const backAddress = { order: "/app/orders", product: "/app/products", page: "/app" } as const;

/** What every page shows in place of itself when it cannot be shown. */
export function RouteErrorBoundary() {
  const error = useRouteError();
  const problem = readProblem(error);
  // The sign-in library's own pages take the browser elsewhere; they are shown as they are.
  return problem ? <ProblemPage problem={problem} /> : boundary.error(error);
}

function describe(words: Words, problem: Exclude<PageProblem, { kind: "not-found" }>) {
  if (problem.kind === "unreachable") return words.problem.unreachable;
  if (problem.cause === "database") return words.problem.database;
  return { title: words.problem.title, what: words.problem.failed.what };
}

export function ProblemPage({ problem }: { readonly problem: PageProblem }) {
  const words = useWords();
  const revalidator = useRevalidator();
  const navigation = useNavigation();
  const heading = useFocusOnce();
  const busy = revalidator.state === "loading" || navigation.state === "loading";

  if (problem.kind === "not-found") {
    const { title, what, back } = words.notFound[problem.what];
    return (
      <Page narrowWidth>
        <TitleBar title={title} />
        <Card padding="800">
          <BlockStack gap="400">
            <BlockStack gap="200">
              <div ref={heading} className="ek-focus" tabIndex={-1}>
                <Text as="h1" variant="headingLg">
                  {title}
                </Text>
              </div>
              <Text as="p" tone="subdued">
                {what}
              </Text>
            </BlockStack>
            <InlineStack>
              <Button variant="primary" url={backAddress[problem.what]}>
                {back}
              </Button>
            </InlineStack>
          </BlockStack>
        </Card>
      </Page>
    );
  }

  const { title, what } = describe(words, problem);
  const reference = problem.kind === "failed" ? problem.reference : null;
  return (
    <Page narrowWidth>
      <TitleBar title={title} />
      <Card padding="800">
        <BlockStack gap="400">
          <BlockStack gap="200">
            <div ref={heading} className="ek-focus" tabIndex={-1} role="alert">
              <Text as="h1" variant="headingLg">
                {title}
              </Text>
            </div>
            <Text as="p">{what}</Text>
            <Text as="p">{words.problem.safe}</Text>
          </BlockStack>
          <InlineStack>
            <Button variant="primary" loading={busy} onClick={() => revalidator.revalidate()}>
              {words.common.tryAgain}
            </Button>
          </InlineStack>
          {reference && (
            <Box borderBlockStartWidth="025" borderColor="border-secondary" paddingBlockStart="400">
              <Text as="p" tone="subdued" variant="bodySm" breakWord>
                {words.problem.reference(reference)}
              </Text>
            </Box>
          )}
        </BlockStack>
      </Card>
    </Page>
  );
}

/** Moves the focus to what replaced the page, so that those who cannot see it hear of it. */
function useFocusOnce() {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => element.current?.focus({ preventScroll: true }), []);
  return element;
}
