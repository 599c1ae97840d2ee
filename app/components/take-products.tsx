import {
  Autocomplete,
  BlockStack,
  Button,
  Icon,
  InlineError,
  Text,
  TextField,
} from "@shopify/polaris";
import { SearchIcon, XIcon } from "@shopify/polaris-icons";
import { useState } from "react";
import type { TakeLine } from "../orders/take-form.ts";
import { Section } from "./details.tsx";
import { useFormat, useWords } from "./localisation.tsx";
import { Name } from "./name.tsx";
import { Picture } from "./picture.tsx";
import { useTakeSearch } from "./take-search.ts";

export interface TakeProductsProps {
  readonly lines: readonly TakeLine[];
  readonly currency: string;
  readonly onChange: (lines: readonly TakeLine[]) => void;
  readonly errorOf: (field: string) => string | undefined;
}

/** What is ordered: found in the catalogue, and how many of each. */
export function TakeProducts({ lines, currency, onChange, errorOf }: TakeProductsProps) {
  const { taking, order } = useWords();
  const format = useFormat();
  const { products: words } = taking;
  const [text, setText] = useState("");
  const { found, searching, ask } = useTakeSearch("products");
  const variants = found?.variants ?? [];
  const money = (amount: string) => format.money({ amount, currency });

  const add = ([chosen]: string[]) => {
    const variant = variants.find(({ variantId }) => String(variantId) === chosen);
    setText("");
    ask("");
    if (!variant) return;
    const known = lines.find(({ variantId }) => variantId === variant.variantId);
    onChange(
      known
        ? lines.map((line) =>
            line === known ? { ...line, quantity: String((Number(line.quantity) || 0) + 1) } : line,
          )
        : [...lines, { ...variant, quantity: "1" }],
    );
  };
  const noLine = errorOf("lines");

  return (
    <Section title={words.title}>
      <BlockStack gap="300">
        <Autocomplete
          options={variants.map((variant) => ({
            value: String(variant.variantId),
            label: [
              [variant.title, variant.variantTitle].filter(Boolean).join(" · "),
              money(variant.price),
              ...(variant.available === null ? [] : [words.available(variant.available)]),
            ].join(" – "),
            media: <Picture url={variant.imageUrl} />,
          }))}
          selected={[]}
          onSelect={add}
          loading={searching && variants.length === 0}
          emptyState={
            <Text as="p" alignment="center" tone="subdued">
              {found && found.variants === null ? words.unavailable : words.none(text)}
            </Text>
          }
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
              onFocus={() => {
                if (!found) ask(text);
              }}
              placeholder={words.placeholder}
              autoComplete="off"
            />
          }
        />
        {lines.length === 0 && !noLine && (
          <Text as="p" tone="subdued">
            {words.empty}
          </Text>
        )}
        {noLine && <InlineError message={noLine} fieldID="take-lines" />}
        <div>
          {lines.map((line) => {
            const name = [line.title, line.variantTitle].filter(Boolean).join(", ");
            const error = errorOf(`quantity.${line.variantId}`);
            return (
              <div className="ek-line" key={line.variantId}>
                <div className="ek-take-line">
                  <Picture url={line.imageUrl} />
                  <BlockStack gap="050">
                    <Text as="span" fontWeight="medium">
                      <Name>{name}</Name>
                    </Text>
                    <Text as="span" tone="subdued" variant="bodySm">
                      {[
                        line.sku && order.sku(line.sku),
                        words.each(money(line.price)),
                        line.available !== null && words.available(line.available),
                      ]
                        .filter(Boolean)
                        .join(" · ")}
                    </Text>
                  </BlockStack>
                </div>
                <div className="ek-take-amount">
                  <div className="ek-quantity">
                    <TextField
                      label={words.quantity(name)}
                      labelHidden
                      type="number"
                      min={1}
                      step={1}
                      inputMode="numeric"
                      value={line.quantity}
                      onChange={(quantity) =>
                        onChange(lines.map((one) => (one === line ? { ...one, quantity } : one)))
                      }
                      autoComplete="off"
                      selectTextOnFocus
                      {...(error ? { error } : {})}
                    />
                  </div>
                  <Button
                    icon={XIcon}
                    variant="tertiary"
                    accessibilityLabel={words.remove(name)}
                    onClick={() => onChange(lines.filter((one) => one !== line))}
                  />
                </div>
              </div>
            );
          })}
        </div>
      </BlockStack>
    </Section>
  );
}
