import { and, eq, sql } from "drizzle-orm";
import { z } from "zod";
import { sessions, shops, syncRuns } from "../../database/schema.ts";
import { saveShopDetails, shopPayload } from "../../sync/shop-details.server.ts";
import { applied, handler, ignored, isBefore } from "../handler.ts";

export const updateShop = handler(shopPayload, async (tx, details, { shop }) => {
  await saveShopDetails(tx, shop, details);
  return applied;
});

/**
 * `app/uninstalled`: the token is dead from this moment. Whatever was being done for the shop ends; its data
 * stays until Shopify asks for its erasure (48 hours later), or is taken away when the app is installed again.
 */
export const uninstallApp = handler(
  z.object({ id: z.number() }),
  async (tx, _payload, { shop, at }) => {
    const [known] = await tx.select().from(shops).where(eq(shops.shop, shop)).for("update");
    if (known && isBefore(at, known.installedAt)) {
      return ignored("The app was installed again afterwards.");
    }
    await tx
      .insert(shops)
      .values({ shop, uninstalledAt: at })
      .onConflictDoUpdate({ target: shops.shop, set: { uninstalledAt: at } });
    await tx.delete(sessions).where(eq(sessions.shop, shop));
    await tx
      .update(syncRuns)
      .set({ state: "failed", finishedAt: new Date(), error: "The app was uninstalled." })
      .where(and(eq(syncRuns.shop, shop), eq(syncRuns.state, "running")));
    await tx.execute(sql`delete from rereads where shop = ${shop}`);
    await tx.execute(sql`
      with ended as (
        update commands set state = 'discarded', settled_at = now(), updated_at = clock_timestamp()
        where shop = ${shop} and state not in ('done', 'failed', 'discarded')
        returning id
      )
      insert into command_events (shop, command_id, state, actor, detail)
      select ${shop}, id, 'discarded', 'webhooks', 'The app was uninstalled.' from ended`);
    return applied;
  },
  { whenUninstalled: true },
);
