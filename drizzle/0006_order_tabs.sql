DROP INDEX "orders_to_fulfil";--> statement-breakpoint
CREATE INDEX "orders_taken_here" ON "orders" USING btree ("shop","placed_at","id") WHERE source_name = 'evenkeel' and deleted_at is null;--> statement-breakpoint
CREATE INDEX "orders_to_fulfil" ON "orders" USING btree ("shop","placed_at","id") WHERE units_to_fulfil > 0 and cancelled_at is null and closed_at is null and deleted_at is null and fulfillment_status <> 'on_hold' and fulfillment_status <> 'scheduled';--> statement-breakpoint
-- The conditions of the indexes above name it.
CREATE OR REPLACE VIEW order_list AS
  SELECT shop, id, placed_at, updated_at, total, coalesce(customer_name, '') COLLATE "und-x-icu" AS customer,
    payment_status, fulfillment_status, cancelled_at, closed_at, units_to_fulfil, location_ids, tags, source_name,
    search_text, deleted_at
  FROM orders
  WHERE shop = NULLIF(current_setting('app.shop', true), '') AND deleted_at IS NULL;
