-- Lets the shop stand in the trigram indexes; a trusted extension since PostgreSQL 13, so the owner may create it.
CREATE EXTENSION IF NOT EXISTS btree_gin;
--> statement-breakpoint
DROP INDEX "orders_by_placed_at";--> statement-breakpoint
DROP INDEX "orders_by_updated_at";--> statement-breakpoint
DROP INDEX "orders_by_total";--> statement-breakpoint
DROP INDEX "orders_by_customer";--> statement-breakpoint
DROP INDEX "orders_search";--> statement-breakpoint
DROP INDEX "products_by_title";--> statement-breakpoint
DROP INDEX "products_search";--> statement-breakpoint
DROP INDEX "variants_search";--> statement-breakpoint
ALTER TABLE "commands" ALTER COLUMN "updated_at" SET DEFAULT clock_timestamp();--> statement-breakpoint
ALTER TABLE "inventory_levels" ADD COLUMN "synced_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL;--> statement-breakpoint
ALTER TABLE "orders" ADD COLUMN "synced_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL;--> statement-breakpoint
ALTER TABLE "products" ADD COLUMN "synced_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL;--> statement-breakpoint
ALTER TABLE "variants" ADD COLUMN "synced_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL;--> statement-breakpoint
CREATE INDEX "commands_updated_at" ON "commands" USING btree ("shop","updated_at");--> statement-breakpoint
CREATE INDEX "inventory_levels_synced_at" ON "inventory_levels" USING btree ("shop","synced_at");--> statement-breakpoint
CREATE INDEX "orders_by_payment_status" ON "orders" USING btree ("shop","payment_status","placed_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "orders_by_fulfillment_status" ON "orders" USING btree ("shop","fulfillment_status","placed_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "orders_synced_at" ON "orders" USING btree ("shop","synced_at");--> statement-breakpoint
CREATE INDEX "products_synced_at" ON "products" USING btree ("shop","synced_at");--> statement-breakpoint
CREATE INDEX "variants_synced_at" ON "variants" USING btree ("shop","synced_at");--> statement-breakpoint
CREATE INDEX "orders_by_placed_at" ON "orders" USING btree ("shop","placed_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "orders_by_updated_at" ON "orders" USING btree ("shop","updated_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "orders_by_total" ON "orders" USING btree ("shop","total","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "orders_by_customer" ON "orders" USING btree ("shop",(coalesce("customer_name", '') collate "und-x-icu"),"id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "orders_search" ON "orders" USING gin ("shop","search_text" gin_trgm_ops,"tags","location_ids");--> statement-breakpoint
CREATE INDEX "products_by_title" ON "products" USING btree ("shop",("title" collate "und-x-icu"),"id");--> statement-breakpoint
CREATE INDEX "products_search" ON "products" USING gin ("shop","search_text" gin_trgm_ops);--> statement-breakpoint
CREATE INDEX "variants_search" ON "variants" USING gin ("shop","search_text" gin_trgm_ops);
