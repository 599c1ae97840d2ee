import { z } from "zod";

/** One of Shopify's ids, whose numbers fit in 53 bits. */
export const id = (message: string) =>
  z
    .number({ error: message })
    .int({ error: message })
    .positive({ error: message })
    .max(Number.MAX_SAFE_INTEGER, { error: message });
