import { z } from "zod";
import type { ModeAnswer } from "../components/modes.tsx";
import type { Services } from "../services.server.ts";
import { modes } from "../settings/modes.ts";
import { saveSettings } from "../settings/settings.server.ts";
import type { Merchant } from "../shopify/sign-in.server.ts";

const request = z.object({ mode: z.enum(modes), on: z.boolean() });

/** Forces a mode upon a shop, or ends it; who did so, and when, is kept with it. */
export async function switchMode(
  { writes, commands }: Pick<Services, "writes" | "commands">,
  { shop, user }: Pick<Merchant, "shop" | "user">,
  body: unknown,
): Promise<ModeAnswer> {
  const asked = request.safeParse(body);
  if (!asked.success) return { kind: "failed" };
  const { mode, on } = asked.data;
  const change = { [mode]: { on, at: new Date().toISOString(), by: user } };
  const state = await saveSettings(writes, shop, change, user);
  if (state !== "done") return { kind: "kept" };
  // What waits goes by itself in a few minutes at the latest.
  if (mode === "shopifyAway" && !on) await commands.hurry(shop).catch(() => undefined);
  return { kind: "saved" };
}
