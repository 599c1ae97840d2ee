import {
  IndexFilters,
  IndexFiltersMode,
  useSetIndexFiltersMode,
  type AppliedFilterInterface,
  type FilterInterface,
  type IndexFiltersProps,
  type TabProps,
} from "@shopify/polaris";
import { useState } from "react";
import { useSearchField } from "./list-address.ts";
import { useWords } from "./localisation.tsx";

export interface ListFiltersProps {
  readonly tabs: readonly Pick<TabProps, "id" | "content" | "actions" | "isLocked">[];
  readonly selectedTab: number;
  readonly onTab: (index: number) => void;
  readonly searched: string;
  readonly placeholder: string;
  readonly onSearch: (text: string) => void;
  readonly filters: FilterInterface[];
  readonly applied: AppliedFilterInterface[];
  /** Whether search or filters differ from what the tab itself stands for. */
  readonly changed: boolean;
  /** Goes back to what the tab stands for. */
  readonly onClear: () => void;
  /** Each with the words for its name, its ascending and its descending order. */
  readonly sorts: Readonly<Record<string, readonly [string, string, string]>>;
  readonly sort: string;
  readonly descending: boolean;
  readonly onSort: (sort: string, descending: boolean) => void;
  readonly loading: boolean;
  /** Saves what is shown as a view of its own; left out where a list has no views. */
  readonly onSaveView?: (name: string) => Promise<boolean>;
  readonly savingView?: boolean;
}

/** Tabs, search, filters and order above a list, as Shopify's own lists have them. */
export function ListFilters(props: ListFiltersProps) {
  const { tabs, selectedTab, searched, changed, onClear, sort, descending, onSaveView } = props;
  const words = useWords();
  const { mode, setMode } = useSetIndexFiltersMode(
    changed ? IndexFiltersMode.Filtering : IndexFiltersMode.Default,
  );
  // A page that opens with a search in its address must not grab the focus.
  const [opened, setOpened] = useState(false);
  const { typed, type } = useSearchField(searched, props.onSearch);

  const clear = () => {
    type("");
    onClear();
  };
  const sortOptions = Object.entries(props.sorts).flatMap(([key, [label, up, down]]) => [
    { label, value: `${key} asc` as const, directionLabel: up },
    { label, value: `${key} desc` as const, directionLabel: down },
  ]);
  const views: Partial<IndexFiltersProps> =
    onSaveView && changed
      ? {
          primaryAction: {
            type: "save-as",
            onAction: onSaveView,
            loading: props.savingView ?? false,
          },
        }
      : {};

  return (
    <div className="ek-filters">
      <IndexFilters
        tabs={tabs.map((tab) => ({ ...tab }))}
        selected={selectedTab}
        onSelect={props.onTab}
        canCreateNewView={false}
        queryValue={typed}
        queryPlaceholder={props.placeholder}
        onQueryChange={type}
        onQueryClear={() => type("")}
        filters={props.filters}
        appliedFilters={props.applied}
        onClearAll={clear}
        sortOptions={sortOptions}
        sortSelected={[`${sort} ${descending ? "desc" : "asc"}`]}
        onSort={([chosen = ""]) => {
          const [key = sort, direction] = chosen.split(" ");
          props.onSort(key, direction === "desc");
        }}
        mode={mode}
        setMode={(next) => {
          setOpened(true);
          setMode(next);
        }}
        autoFocusSearchField={opened}
        cancelAction={{ onAction: clear }}
        loading={props.loading}
        filteringAccessibilityLabel={words.common.search}
        // It would stick below a top bar that an embedded page has not got.
        disableStickyMode
        {...views}
      />
    </div>
  );
}
