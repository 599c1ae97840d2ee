-- What the lists read. Under row-level security an operator that is not leakproof (LIKE, the array operators) must wait
-- until the policy has been checked, and so never gets to an index. These views run as their owner and name the shop
-- themselves, so the planner may use every index; the app's role sees the same rows as under the policy, and no others.
CREATE VIEW order_list AS
  SELECT shop, id, placed_at, updated_at, total, coalesce(customer_name, '') COLLATE "und-x-icu" AS customer,
    payment_status, fulfillment_status, cancelled_at, closed_at, units_to_fulfil, location_ids, tags, source_name,
    search_text
  FROM orders
  WHERE shop = NULLIF(current_setting('app.shop', true), '') AND deleted_at IS NULL;
--> statement-breakpoint
CREATE VIEW stock_list AS
  SELECT v.shop, v.id, v.product_id, v.inventory_item_id, v.position, v.sku, v.tracked, v.search_text,
    p.title COLLATE "und-x-icu" AS title, p.vendor, p.product_type, p.status
  FROM variants v
  JOIN products p ON p.shop = v.shop AND p.id = v.product_id
  WHERE v.shop = NULLIF(current_setting('app.shop', true), '') AND v.deleted_at IS NULL AND p.deleted_at IS NULL;
--> statement-breakpoint
CREATE VIEW product_list AS
  SELECT shop, id, title COLLATE "und-x-icu" AS title, status, vendor, product_type, updated_at, search_text
  FROM products
  WHERE shop = NULLIF(current_setting('app.shop', true), '') AND deleted_at IS NULL;
--> statement-breakpoint
GRANT SELECT ON order_list, stock_list, product_list TO evenkeel_app;
--> statement-breakpoint
-- Whoever writes a row cannot forget to say so. clock_timestamp(): a long transaction's rows must not look old.
CREATE FUNCTION touch_synced_at() RETURNS trigger
  LANGUAGE plpgsql
  AS $$
BEGIN
  NEW.synced_at := clock_timestamp();
  RETURN NEW;
END
$$;
--> statement-breakpoint
DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['orders', 'products', 'variants', 'inventory_levels'] LOOP
    EXECUTE format(
      'CREATE TRIGGER touch_synced_at BEFORE UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION touch_synced_at()', t);
  END LOOP;
END
$$;
