import { redirect } from "@remix-run/node";
import { z } from "zod";
import { mapSourced, type Sourced } from "../continuity/sourced.ts";
import type { TakenOrder } from "../orders/taken-types.ts";
import type { PageReads } from "./page-reads.server.ts";
import { notFound } from "./problems.server.ts";

/**
 * An order that was taken here.
 *
 * @throws Response that leads to Shopify's order once that is here, or says that there is none.
 */
export async function takenOrToItsOrder(
  pages: Pick<PageReads, "getTaken" | "getOrder">,
  shop: string,
  id: string | undefined,
): Promise<Sourced<TakenOrder>> {
  if (!id || !z.uuid().safeParse(id).success) throw notFound("order");
  const taken = await pages.getTaken(shop, id);
  const orderId = taken.value?.orderId ?? null;
  // Shopify's answer can be here before the order that it names.
  if (orderId !== null && (await pages.getOrder(shop, orderId)).value) {
    throw redirect(`/app/orders/${orderId}`);
  }
  return mapSourced(taken, (value) => {
    if (!value) throw notFound("order");
    return value;
  });
}
