import {
  Autocomplete,
  BlockStack,
  Checkbox,
  FormLayout,
  Icon,
  Select,
  Text,
  TextField,
} from "@shopify/polaris";
import { SearchIcon } from "@shopify/polaris-icons";
import { useMemo, useState } from "react";
import { countryCodes } from "../orders/countries.ts";
import { entriesOf, type AddressEntries, type TakeEntries } from "../orders/take-form.ts";
import { Section } from "./details.tsx";
import { useFormat, useWords } from "./localisation.tsx";
import { useTakeSearch } from "./take-search.ts";

export interface TakeCustomerProps {
  readonly entries: TakeEntries;
  readonly onChange: (some: Partial<TakeEntries>) => void;
  readonly errorOf: (field: string) => string | undefined;
}

/** Who orders, where it goes, and what there is to say. */
export function TakeCustomer({ entries, onChange, errorOf }: TakeCustomerProps) {
  const { taking } = useWords();
  const { customer: words, address: labels } = taking;
  const [text, setText] = useState("");
  const { found, searching, ask } = useTakeSearch("customers");
  const customers = found?.customers ?? [];
  const countries = useCountries();
  const field = (name: string) => {
    const error = errorOf(name);
    return error ? { error } : {};
  };
  const setAddress = (some: Partial<AddressEntries>) =>
    onChange({ address: { ...entries.address, ...some } });

  const choose = ([chosen]: string[]) => {
    const customer = customers.find(({ id }) => String(id) === chosen);
    if (!customer) return;
    setText("");
    onChange({
      customerId: customer.id,
      name: customer.name ?? "",
      email: customer.email ?? "",
      ...(customer.address ? { ship: true, address: entriesOf(customer.address) } : {}),
    });
  };
  return (
    <Section title={words.title}>
      <FormLayout>
        <Autocomplete
          options={customers.map(({ id, name, email }) => ({
            value: String(id),
            label: [name, email].filter(Boolean).join(" – "),
          }))}
          selected={[]}
          onSelect={choose}
          loading={searching && customers.length === 0}
          textField={
            <Autocomplete.TextField
              label={words.search}
              labelHidden
              prefix={<Icon source={SearchIcon} />}
              value={text}
              onChange={(value) => {
                setText(value);
                ask(value);
              }}
              placeholder={words.placeholder}
              autoComplete="off"
            />
          }
        />
        {found && found.customers === null && (
          <Text as="p" tone="subdued">
            {words.unavailable}
          </Text>
        )}
        <TextField
          label={words.name}
          value={entries.name}
          // Another name is another person.
          onChange={(name) => onChange({ name, customerId: null })}
          autoComplete="off"
          {...(entries.customerId === null ? {} : { helpText: words.known })}
          {...field("name")}
        />
        <TextField
          label={words.email}
          type="email"
          value={entries.email}
          onChange={(email) => onChange({ email })}
          autoComplete="off"
          {...(entries.payment === "invoice" ? { helpText: words.emailInvoice } : {})}
          {...field("email")}
        />
        <Checkbox
          label={labels.ship}
          checked={entries.ship}
          onChange={(ship) => onChange({ ship })}
        />
        {entries.ship && (
          <BlockStack gap="300">
            <TextField
              label={labels.address1}
              value={entries.address.address1}
              onChange={(address1) => setAddress({ address1 })}
              autoComplete="off"
              {...field("address1")}
            />
            <TextField
              label={labels.address2}
              value={entries.address.address2}
              onChange={(address2) => setAddress({ address2 })}
              autoComplete="off"
              {...field("address2")}
            />
            <FormLayout.Group condensed>
              <TextField
                label={labels.zip}
                value={entries.address.zip}
                onChange={(zip) => setAddress({ zip })}
                autoComplete="off"
                {...field("zip")}
              />
              <TextField
                label={labels.city}
                value={entries.address.city}
                onChange={(city) => setAddress({ city })}
                autoComplete="off"
                {...field("city")}
              />
            </FormLayout.Group>
            <Select
              label={labels.country}
              placeholder={labels.choose}
              options={countries}
              value={entries.address.countryCode}
              onChange={(countryCode) => setAddress({ countryCode })}
              {...field("countryCode")}
            />
          </BlockStack>
        )}
        <TextField
          label={taking.note}
          value={entries.note}
          onChange={(note) => onChange({ note })}
          multiline={3}
          autoComplete="off"
          {...field("note")}
        />
      </FormLayout>
    </Section>
  );
}

/** Countries by the names that people have for them, in their order. */
function useCountries() {
  const format = useFormat();
  return useMemo(() => {
    return countryCodes
      .map((value) => ({ value, label: format.country(value) ?? value }))
      .sort((a, b) => a.label.localeCompare(b.label));
  }, [format]);
}
