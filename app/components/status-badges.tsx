import { Badge, type BadgeProps } from "@shopify/polaris";
import type { FulfillmentStatus, PaymentStatus } from "../orders/types.ts";
import type { ProductStatus } from "../products/types.ts";
import { useWords } from "./localisation.tsx";

type Look = Pick<BadgeProps, "tone" | "progress">;

/** Tones and progress as Shopify's own admin gives them to the same states. */
const paymentLooks: Record<PaymentStatus, Look> = {
  pending: { tone: "warning", progress: "incomplete" },
  authorized: { tone: "attention", progress: "incomplete" },
  partially_paid: { tone: "warning", progress: "partiallyComplete" },
  paid: { progress: "complete" },
  partially_refunded: { progress: "partiallyComplete" },
  refunded: { progress: "complete" },
  voided: { progress: "complete" },
  expired: { tone: "warning", progress: "incomplete" },
};

const fulfillmentLooks: Record<FulfillmentStatus, Look> = {
  unfulfilled: { tone: "attention", progress: "incomplete" },
  partially_fulfilled: { tone: "warning", progress: "partiallyComplete" },
  fulfilled: { progress: "complete" },
  in_progress: { tone: "attention", progress: "partiallyComplete" },
  on_hold: { tone: "warning", progress: "incomplete" },
  scheduled: { tone: "info", progress: "incomplete" },
  open: { tone: "attention", progress: "incomplete" },
  pending_fulfillment: { tone: "attention", progress: "incomplete" },
  request_declined: { tone: "warning", progress: "incomplete" },
  restocked: { progress: "complete" },
};

const productLooks: Record<ProductStatus, Look> = {
  active: { tone: "success" },
  draft: { tone: "info" },
  archived: {},
  unlisted: { tone: "attention" },
};

export function PaymentBadge({ status }: { readonly status: PaymentStatus }) {
  const words = useWords();
  return <Badge {...paymentLooks[status]}>{words.payment[status]}</Badge>;
}

export function FulfillmentBadge({ status }: { readonly status: FulfillmentStatus }) {
  const words = useWords();
  return <Badge {...fulfillmentLooks[status]}>{words.fulfillment[status]}</Badge>;
}

export function ProductBadge({ status }: { readonly status: ProductStatus }) {
  const words = useWords();
  return <Badge {...productLooks[status]}>{words.products.status[status]}</Badge>;
}
