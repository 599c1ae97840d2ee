-- Roles: evenkeel_owner runs this; evenkeel_app serves merchants; evenkeel_system works across shops, on intake and
-- queue tables only. The two are made by whoever provisions the database (docs/database.md); what they may do is here.
GRANT USAGE ON SCHEMA public TO evenkeel_app, evenkeel_system;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON
  shops, sessions, operations, locations, products, variants, inventory_levels, orders, order_lines,
  fulfillment_orders, fulfillments, commands, command_events, webhook_deliveries, sync_runs,
  compliance_requests, settings, saved_views
TO evenkeel_app;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_deliveries TO evenkeel_system;
--> statement-breakpoint
-- A query that names no shop, or another one, sees and changes nothing. NULLIF: a setting that was once set in a
-- session reads as '' afterwards, not as NULL. The owner keeps a policy of its own, for backfills in migrations.
DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY[
    'shops', 'sessions', 'operations', 'locations', 'products', 'variants', 'inventory_levels', 'orders',
    'order_lines', 'fulfillment_orders', 'fulfillments', 'commands', 'command_events', 'webhook_deliveries',
    'sync_runs', 'compliance_requests', 'settings', 'saved_views'
  ] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format(
      'CREATE POLICY one_shop ON %I TO evenkeel_app '
      'USING (shop = NULLIF(current_setting(''app.shop'', true), '''')) '
      'WITH CHECK (shop = NULLIF(current_setting(''app.shop'', true), ''''))', t);
    EXECUTE format('CREATE POLICY maintenance ON %I TO evenkeel_owner USING (true) WITH CHECK (true)', t);
  END LOOP;
END
$$;
--> statement-breakpoint
CREATE POLICY every_shop ON webhook_deliveries TO evenkeel_system USING (true) WITH CHECK (true);
--> statement-breakpoint
ALTER TABLE webhook_deliveries ALTER COLUMN body SET STORAGE EXTERNAL;
