import type { HeadersFunction, LoaderFunctionArgs } from "@remix-run/node";
import { useLoaderData, useNavigate } from "@remix-run/react";
import { BlockStack, Card, InlineStack, Layout, Page, Text } from "@shopify/polaris";
import { SearchIcon } from "@shopify/polaris-icons";
import { boundary } from "@shopify/shopify-app-remix/server";
import { ChangeActions } from "../components/change-actions.tsx";
import { changeAddress, ChangeBadge } from "../components/change-badge.tsx";
import { ChangeEdit } from "../components/change-edit.tsx";
import { ChangeInput } from "../components/change-input.tsx";
import { ChangeStory } from "../components/change-story.tsx";
import { RouteErrorBoundary } from "../components/error-boundary.tsx";
import { ListMessage } from "../components/list-states.tsx";
import { useFormat, useNow, useWords } from "../components/localisation.tsx";
import { pageTitle } from "../components/page-title.ts";
import { SourceBadge } from "../components/source-badge.tsx";
import { TitleBar } from "../components/title-bar.tsx";
import { answering } from "../http/problems.server.ts";
import { merchant } from "../shopify/sign-in.server.ts";

export async function loader({ request, context, params }: LoaderFunctionArgs) {
  return answering({ request, context }, async () => {
    const { shop, user } = await merchant(request, context);
    const change = await context.services.pages.getChange(shop, params["id"] ?? "");
    return { change, user };
  });
}

/** One change: what was asked for, what became of it, and what can be decided about it. */
export default function Change() {
  const { change: sourced, user } = useLoaderData<typeof loader>();
  const words = useWords();
  const format = useFormat();
  const now = useNow();
  const navigate = useNavigate();
  const { changes } = words.resilience;
  const back = { content: changes.back, url: "/app/resilience" };
  const change = sourced.value;
  if (!change) {
    return (
      <Page title={changes.title} backAction={back}>
        <TitleBar title={changes.title} />
        <Card>
          <ListMessage
            icon={SearchIcon}
            title={changes.missing.title}
            what={changes.missing.what}
          />
        </Card>
      </Page>
    );
  }
  const title = words.change.title[change.kind](change.subject);
  const address = changeAddress(change);
  return (
    <Page
      title={title}
      subtitle={format.moment(change.acceptedAt, now)}
      titleMetadata={
        <InlineStack gap="200">
          <ChangeBadge change={change} />
          <SourceBadge of={sourced} />
        </InlineStack>
      }
      backAction={back}
      {...(address
        ? { secondaryActions: [{ content: words.order.title(change.subject), url: address }] }
        : {})}
    >
      <TitleBar title={title} />
      <Layout>
        <Layout.Section>
          <Card>
            <div className="ek-focus" id="change" tabIndex={-1}>
              <BlockStack gap="400">
                {change.problem && (
                  <Text as="p" breakWord>
                    {change.problem}
                  </Text>
                )}
                {change.uncertain && change.ring !== "done" && (
                  <Text as="p" tone="subdued">
                    {changes.decide.uncertain}
                  </Text>
                )}
                <InlineStack gap="200">
                  <ChangeActions change={change} listId="change" all />
                  <ChangeEdit
                    change={change}
                    onReplaced={(id) => void navigate(`/app/changes/${id}`, { replace: true })}
                  />
                </InlineStack>
                <BlockStack gap="300">
                  <Text as="h2" variant="headingSm">
                    {changes.story}
                  </Text>
                  <ChangeStory events={change.events} viewer={user} />
                </BlockStack>
              </BlockStack>
            </div>
          </Card>
        </Layout.Section>
        <Layout.Section variant="oneThird">
          <Card>
            <BlockStack gap="300">
              <Text as="h2" variant="headingSm">
                {changes.asked}
              </Text>
              <ChangeInput change={change} />
            </BlockStack>
          </Card>
        </Layout.Section>
      </Layout>
    </Page>
  );
}

export const meta = pageTitle((words) => words.resilience.changes.title);

export function ErrorBoundary() {
  return <RouteErrorBoundary />;
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
