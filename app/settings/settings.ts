import { z } from "zod";
import type { ModeSwitch } from "./modes.ts";

const modeSwitch: z.ZodType<ModeSwitch> = z.object({
  on: z.boolean(),
  at: z.iso.datetime(),
  by: z.string().nullable(),
});

/** What a shop can set; each has a default, so that a shop that never looked here is served well. */
export const settingsSchema = z.object({
  /** From how many units on stock counts as low; 0: only when it is out. */
  lowStockThreshold: z
    .number({ error: "Enter a number." })
    .int({ error: "Enter a whole number." })
    .min(0, { error: "A threshold cannot be negative." })
    .max(1_000_000, { error: "That is more than any stock." })
    .default(5),
  readOnly: modeSwitch.nullable().default(null),
  shopifyAway: modeSwitch.nullable().default(null),
});

export type Settings = z.infer<typeof settingsSchema>;

/** Some of them, without their defaults: what is not changed must not be set to its default. */
export const settingsChanges: z.ZodType<Partial<Settings>> = z.object(
  Object.fromEntries(
    Object.entries(settingsSchema.shape).map(([name, field]) => [name, field.unwrap().optional()]),
  ),
);

export const defaultSettings: Settings = settingsSchema.parse({});
