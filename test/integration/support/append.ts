import { sql } from "drizzle-orm";
import { z } from "zod";
import { settings } from "../../../app/database/schema.ts";
import { defineWrite } from "../../../app/database/write.ts";

/** Adds a word to those of its shop, so that one that is lost, doubled or out of order shows. */
export const append = defineWrite(
  "test.append",
  z.object({ word: z.string() }),
  async (tx, { word }, { shop }) => {
    await tx
      .insert(settings)
      .values({ shop, values: { words: [word] } })
      .onConflictDoUpdate({
        target: settings.shop,
        set: {
          values: sql`jsonb_build_object('words', (${settings.values}->'words') || to_jsonb(${word}::text))`,
        },
      });
  },
);
