import {
  BlockStack,
  Box,
  Button,
  Icon,
  InlineStack,
  Text,
  type IconSource,
} from "@shopify/polaris";
import { SearchIcon } from "@shopify/polaris-icons";
import { useWords } from "./localisation.tsx";

export interface ListMessageProps {
  readonly icon: IconSource;
  readonly title: string;
  readonly what: string;
  readonly action?: { readonly content: string; readonly onAction: () => void };
}

/** What stands where the rows would be: what would be here, and the next step. */
export function ListMessage({ icon, title, what, action }: ListMessageProps) {
  return (
    <Box padding="1600" paddingInline="400">
      <BlockStack gap="400" inlineAlign="center">
        <Box background="bg-surface-secondary" borderRadius="full" padding="300">
          <Icon source={icon} tone="subdued" />
        </Box>
        <BlockStack gap="100" inlineAlign="center">
          <Text as="h2" variant="headingMd" alignment="center">
            {title}
          </Text>
          <Box maxWidth="28rem">
            <Text as="p" tone="subdued" alignment="center" breakWord>
              {what}
            </Text>
          </Box>
        </BlockStack>
        {action && (
          <InlineStack>
            <Button onClick={action.onAction}>{action.content}</Button>
          </InlineStack>
        )}
      </BlockStack>
    </Box>
  );
}

export interface NoResultsProps {
  readonly words: {
    readonly title: string;
    readonly searched: (text: string) => string;
    readonly searchedAndFiltered: (text: string) => string;
    readonly filtered: string;
  };
  readonly searched: string;
  readonly filtered: boolean;
  readonly onClear: () => void;
}

/** Nothing was found: says what was looked for, and offers to stop looking for it. */
export function NoResults({ words, searched, filtered, onClear }: NoResultsProps) {
  const { common } = useWords();
  const what =
    searched === ""
      ? words.filtered
      : filtered
        ? words.searchedAndFiltered(searched)
        : words.searched(searched);
  return (
    <ListMessage
      icon={SearchIcon}
      title={words.title}
      what={what}
      action={{ content: common.clearSearch, onAction: onClear }}
    />
  );
}
