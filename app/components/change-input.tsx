import { BlockStack } from "@shopify/polaris";
import type { ChangeDetail } from "../commands/types.ts";
import type { AdjustmentReason } from "../inventory/types.ts";
import { Fact } from "./details.tsx";
import { useFormat, useWords } from "./localisation.tsx";
import { Name } from "./name.tsx";

/** What was asked for, in words. Kinds whose title says everything have nothing more to tell. */
export function ChangeInput({ change }: { readonly change: ChangeDetail }) {
  const facts = useFacts(change);
  if (facts.length === 0) return null;
  return (
    <BlockStack gap="200">
      {facts.map(([name, value]) => (
        <Fact key={name} name={name}>
          <Name>{value}</Name>
        </Fact>
      ))}
    </BlockStack>
  );
}

interface StockInput {
  readonly locationId: number;
  readonly reason: AdjustmentReason;
  readonly delta?: number;
  readonly quantity?: number;
  readonly changeFromQuantity?: number | null;
}
interface FulfilmentInput {
  readonly fulfillmentOrders: readonly {
    readonly lines: readonly { readonly id: number; readonly quantity: number }[];
  }[];
  readonly tracking: { readonly company: string | null; readonly number: string } | null;
  readonly notifyCustomer: boolean;
}

function useFacts({ kind, input, names }: ChangeDetail): readonly (readonly [string, string])[] {
  const words = useWords();
  const format = useFormat();
  const { input: labels } = words.resilience.changes;
  if (kind === "inventory.adjust" || kind === "inventory.set") {
    const { delta, quantity, changeFromQuantity, reason, locationId } = input as StockInput;
    const location = names[`location/${locationId}`];
    return [
      ...(delta === undefined ? [] : [[labels.delta, format.signed(delta)] as const]),
      ...(quantity === undefined ? [] : [[labels.quantity, format.number(quantity)] as const]),
      ...(typeof changeFromQuantity === "number"
        ? [[labels.seen, format.number(changeFromQuantity)] as const]
        : []),
      [labels.reason, words.inventory.reasons[reason]],
      ...(location ? [[labels.location, location] as const] : []),
    ];
  }
  if (kind === "order.fulfil") {
    const { fulfillmentOrders, tracking, notifyCustomer } = input as FulfilmentInput;
    const lines = fulfillmentOrders.flatMap((part) => part.lines);
    const items = lines.map(({ id, quantity }) => {
      const title = names[`line/${id}`];
      return title ? `${title} ${words.order.quantity(quantity)}` : words.count.units(quantity);
    });
    return [
      [labels.items, format.list(items)],
      [
        labels.tracking,
        tracking
          ? [tracking.company, tracking.number].filter(Boolean).join(" ")
          : words.order.noTracking,
      ],
      [labels.notify, notifyCustomer ? labels.yes : labels.no],
    ];
  }
  return [];
}
