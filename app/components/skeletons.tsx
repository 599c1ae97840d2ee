import {
  BlockStack,
  Box,
  Card,
  InlineGrid,
  InlineStack,
  Layout,
  Page,
  SkeletonBodyText,
  SkeletonDisplayText,
  SkeletonThumbnail,
} from "@shopify/polaris";
import { usePhone, useWords } from "./localisation.tsx";

/** As many rows as fill a screen; more would only be drawn to be thrown away. */
const rows = Array.from({ length: 12 }, (_, index) => index);

type Kind = "overview" | "list" | "pictures" | "detail" | "plain";

/** What a page at this address will look like. */
function kindOf(pathname: string): Kind {
  const [, , section, id, below] = pathname.split("/");
  if (!section) return "overview";
  if (below || section === "settings" || section === "resilience") return "plain";
  if (id) return "detail";
  return section === "orders" ? "list" : "pictures";
}

/** The room that the page at this address will take, while it is on its way. */
export function PageSkeleton({ pathname }: { readonly pathname: string }) {
  const words = useWords();
  const [, , section = "overview"] = pathname.split("/");
  const kind = kindOf(pathname);
  const title = Object.hasOwn(words.pages, section)
    ? words.pages[section as keyof typeof words.pages]
    : words.common.loading;
  const list = kind === "list" || kind === "pictures";
  return (
    <div className="ek-fade-in" aria-busy="true">
      <Page fullWidth={list} title={kind === "detail" ? words.common.loading : title}>
        {kind === "overview" && <OverviewSkeleton />}
        {list && <ListSkeleton pictures={kind === "pictures"} />}
        {kind === "detail" && <DetailSkeleton />}
        {kind === "plain" && (
          <BlockStack gap="400">
            <CardSkeleton lines={4} />
            <CardSkeleton lines={6} />
          </BlockStack>
        )}
      </Page>
    </div>
  );
}

function CardSkeleton({ lines }: { readonly lines: number }) {
  return (
    <Card>
      <BlockStack gap="400">
        <SkeletonDisplayText size="small" maxWidth="60%" />
        <SkeletonBodyText lines={lines} />
      </BlockStack>
    </Card>
  );
}

function OverviewSkeleton() {
  return (
    <BlockStack gap="400">
      <InlineGrid columns={{ xs: 1, md: 3 }} gap="400">
        <CardSkeleton lines={14} />
        <CardSkeleton lines={14} />
        <CardSkeleton lines={14} />
      </InlineGrid>
      <CardSkeleton lines={9} />
    </BlockStack>
  );
}

function ListSkeleton({ pictures }: { readonly pictures: boolean }) {
  const phone = usePhone();
  return (
    <Card padding="0">
      <Box padding="400" minHeight="3.0625rem">
        <InlineGrid columns={phone ? 3 : 8} gap="400">
          <Bar />
          <Bar />
          <Bar />
        </InlineGrid>
      </Box>
      {!phone && <Box background="bg-surface-secondary" minHeight="2.3125rem" />}
      {rows.map((row) => (
        <Box
          key={row}
          padding="300"
          borderBlockStartWidth="025"
          borderColor="border-secondary"
          minHeight={phone ? "5.75rem" : pictures ? "3.8125rem" : "2.0625rem"}
        >
          <InlineStack gap="300" wrap={false} blockAlign="center">
            {pictures && <SkeletonThumbnail size="small" />}
            <div className="ek-grow">
              {phone ? (
                <SkeletonBodyText lines={3} />
              ) : (
                <InlineGrid columns={5} gap="800">
                  <Bar />
                  <Bar />
                  <Bar />
                  <Bar />
                  <Bar />
                </InlineGrid>
              )}
            </div>
          </InlineStack>
        </Box>
      ))}
    </Card>
  );
}

function Bar() {
  return <SkeletonBodyText lines={1} />;
}

function DetailSkeleton() {
  return (
    <Layout>
      <Layout.Section>
        <BlockStack gap="400">
          <CardSkeleton lines={6} />
          <CardSkeleton lines={5} />
        </BlockStack>
      </Layout.Section>
      <Layout.Section variant="oneThird">
        <BlockStack gap="400">
          <CardSkeleton lines={2} />
          <CardSkeleton lines={6} />
        </BlockStack>
      </Layout.Section>
    </Layout>
  );
}
