CREATE TABLE "taken_orders" (
	"shop" text NOT NULL,
	"id" uuid NOT NULL,
	"number" text NOT NULL,
	"order_id" bigint,
	CONSTRAINT "taken_orders_shop_id_pk" PRIMARY KEY("shop","id")
);
--> statement-breakpoint
CREATE INDEX "taken_orders_open" ON "taken_orders" USING btree ("shop","number") WHERE order_id is null;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON taken_orders TO evenkeel_app;
--> statement-breakpoint
ALTER TABLE taken_orders ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE taken_orders FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
CREATE POLICY one_shop ON taken_orders TO evenkeel_app
  USING (shop = NULLIF(current_setting('app.shop', true), ''))
  WITH CHECK (shop = NULLIF(current_setting('app.shop', true), ''));
--> statement-breakpoint
CREATE POLICY maintenance ON taken_orders TO evenkeel_owner USING (true) WITH CHECK (true);
