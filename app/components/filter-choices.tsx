import { ChoiceList, type AppliedFilterInterface, type FilterInterface } from "@shopify/polaris";

interface Choice {
  readonly value: string;
  readonly label: string;
}

interface ChoiceFilterProps {
  readonly key: string;
  readonly label: string;
  readonly choices: readonly Choice[];
  readonly chosen: readonly string[];
  readonly multiple?: boolean;
  readonly pinned?: boolean;
  /** What a value is called that is none of the choices any more; the value itself unless told. */
  readonly unknown?: string;
  readonly onChoose: (chosen: string[]) => void;
}

/** A filter that offers choices; empty ones are left out, since nothing could be chosen. */
export function choiceFilter(props: ChoiceFilterProps): FilterInterface[] {
  const { key, label, choices, chosen, multiple = false, pinned = true, onChoose } = props;
  if (choices.length === 0) return [];
  return [
    {
      key,
      label,
      pinned,
      filter: (
        <ChoiceList
          title={label}
          titleHidden
          choices={choices.map((choice) => ({ ...choice }))}
          selected={[...chosen]}
          onChange={onChoose}
          allowMultiple={multiple}
        />
      ),
    },
  ];
}

/** The pill of a filter that is in force: "Payment: Paid, Refunded". */
export function choicePill(props: ChoiceFilterProps): AppliedFilterInterface[] {
  const { key, label, choices, chosen, unknown, onChoose } = props;
  if (chosen.length === 0) return [];
  const names = chosen.map(
    (value) => choices.find((choice) => choice.value === value)?.label ?? unknown ?? value,
  );
  return [{ key, label: `${label}: ${names.join(", ")}`, onRemove: () => onChoose([]) }];
}
