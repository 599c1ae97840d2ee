import { TextField } from "@shopify/polaris";
import { useSearchField } from "./list-address.ts";

interface TextFilterProps {
  readonly label: string;
  readonly help: string;
  readonly value: string | null;
  readonly onChange: (value: string | null) => void;
}

/** A filter that is typed; the list follows once the typing rests. */
export function TextFilter({ label, help, value, onChange }: TextFilterProps) {
  const { typed, type } = useSearchField(value ?? "", (text) => onChange(text || null));
  return (
    <TextField
      label={label}
      labelHidden
      helpText={help}
      value={typed}
      onChange={type}
      autoComplete="off"
      maxLength={200}
    />
  );
}
