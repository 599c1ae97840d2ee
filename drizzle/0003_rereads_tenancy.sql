GRANT SELECT, INSERT, UPDATE, DELETE ON rereads TO evenkeel_app;
--> statement-breakpoint
-- The system role only looks for shops that wait; the reading itself is done shop by shop.
GRANT SELECT ON rereads TO evenkeel_system;
--> statement-breakpoint
ALTER TABLE rereads ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE rereads FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
CREATE POLICY one_shop ON rereads TO evenkeel_app
  USING (shop = NULLIF(current_setting('app.shop', true), ''))
  WITH CHECK (shop = NULLIF(current_setting('app.shop', true), ''));
--> statement-breakpoint
CREATE POLICY maintenance ON rereads TO evenkeel_owner USING (true) WITH CHECK (true);
--> statement-breakpoint
CREATE POLICY every_shop ON rereads FOR SELECT TO evenkeel_system USING (true);
--> statement-breakpoint
-- Schedules have to know which shops there are, and nothing else about them: the names only, through a function that
-- runs as its owner, since the system role may not read the table.
CREATE FUNCTION installed_shops() RETURNS SETOF text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
  AS $$ SELECT shop FROM shops WHERE uninstalled_at IS NULL ORDER BY shop $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION installed_shops() FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION installed_shops() TO evenkeel_system;
