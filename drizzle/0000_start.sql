-- Trigram search; a trusted extension since PostgreSQL 13, so the owner may create it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
--> statement-breakpoint
CREATE TABLE "command_events" (
	"shop" text NOT NULL,
	"id" bigint GENERATED ALWAYS AS IDENTITY (sequence name "command_events_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"command_id" uuid NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"state" text NOT NULL,
	"actor" text NOT NULL,
	"detail" text,
	CONSTRAINT "command_events_shop_id_pk" PRIMARY KEY("shop","id")
);
--> statement-breakpoint
CREATE TABLE "commands" (
	"shop" text NOT NULL,
	"id" uuid NOT NULL,
	"kind" text NOT NULL,
	"resource" text NOT NULL,
	"input" jsonb NOT NULL,
	"state" text DEFAULT 'accepted' NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"error" jsonb,
	"result" jsonb,
	"requested_by" text,
	"accepted_at" timestamp with time zone DEFAULT now() NOT NULL,
	"first_sent_at" timestamp with time zone,
	"settled_at" timestamp with time zone,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "commands_shop_id_pk" PRIMARY KEY("shop","id")
);
--> statement-breakpoint
CREATE TABLE "compliance_requests" (
	"shop" text NOT NULL,
	"id" text NOT NULL,
	"topic" text NOT NULL,
	"request" jsonb NOT NULL,
	"received_at" timestamp with time zone DEFAULT now() NOT NULL,
	"completed_at" timestamp with time zone,
	"outcome" jsonb,
	CONSTRAINT "compliance_requests_shop_id_pk" PRIMARY KEY("shop","id")
);
--> statement-breakpoint
CREATE TABLE "fulfillment_orders" (
	"shop" text NOT NULL,
	"order_id" bigint NOT NULL,
	"id" bigint NOT NULL,
	"status" text NOT NULL,
	"location_id" bigint,
	"location_name" text,
	"holds" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"fulfill_at" timestamp with time zone,
	"lines" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	CONSTRAINT "fulfillment_orders_shop_order_id_id_pk" PRIMARY KEY("shop","order_id","id")
);
--> statement-breakpoint
CREATE TABLE "fulfillments" (
	"shop" text NOT NULL,
	"order_id" bigint NOT NULL,
	"id" bigint NOT NULL,
	"name" text,
	"status" text NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	"location_id" bigint,
	"tracking" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"lines" jsonb DEFAULT '[]'::jsonb NOT NULL,
	CONSTRAINT "fulfillments_shop_order_id_id_pk" PRIMARY KEY("shop","order_id","id")
);
--> statement-breakpoint
CREATE TABLE "inventory_levels" (
	"shop" text NOT NULL,
	"inventory_item_id" bigint NOT NULL,
	"location_id" bigint NOT NULL,
	"available" integer DEFAULT 0 NOT NULL,
	"on_hand" integer DEFAULT 0 NOT NULL,
	"committed" integer DEFAULT 0 NOT NULL,
	"incoming" integer DEFAULT 0 NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "inventory_levels_shop_inventory_item_id_location_id_pk" PRIMARY KEY("shop","inventory_item_id","location_id")
);
--> statement-breakpoint
CREATE TABLE "locations" (
	"shop" text NOT NULL,
	"id" bigint NOT NULL,
	"name" text NOT NULL,
	"active" boolean NOT NULL,
	"address" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"fulfills_online_orders" boolean DEFAULT true NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "locations_shop_id_pk" PRIMARY KEY("shop","id")
);
--> statement-breakpoint
CREATE TABLE "operations" (
	"shop" text NOT NULL,
	"operation_id" text NOT NULL,
	"name" text NOT NULL,
	"input_hash" "bytea" NOT NULL,
	"result" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "operations_shop_operation_id_pk" PRIMARY KEY("shop","operation_id")
);
--> statement-breakpoint
CREATE TABLE "order_lines" (
	"shop" text NOT NULL,
	"order_id" bigint NOT NULL,
	"id" bigint NOT NULL,
	"position" integer NOT NULL,
	"product_id" bigint,
	"variant_id" bigint,
	"title" text NOT NULL,
	"variant_title" text,
	"sku" text DEFAULT '' NOT NULL,
	"image_url" text,
	"quantity" integer NOT NULL,
	"current_quantity" integer NOT NULL,
	"unfulfilled_quantity" integer NOT NULL,
	"unit_price" numeric(18, 4) NOT NULL,
	"discount" numeric(18, 4) DEFAULT '0' NOT NULL,
	"requires_shipping" boolean DEFAULT true NOT NULL,
	CONSTRAINT "order_lines_shop_order_id_id_pk" PRIMARY KEY("shop","order_id","id")
);
--> statement-breakpoint
CREATE TABLE "orders" (
	"shop" text NOT NULL,
	"id" bigint NOT NULL,
	"name" text NOT NULL,
	"placed_at" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	"cancelled_at" timestamp with time zone,
	"cancel_reason" text,
	"closed_at" timestamp with time zone,
	"payment_status" text NOT NULL,
	"fulfillment_status" text NOT NULL,
	"currency" text NOT NULL,
	"total" numeric(18, 4) NOT NULL,
	"subtotal" numeric(18, 4) NOT NULL,
	"total_tax" numeric(18, 4) NOT NULL,
	"total_shipping" numeric(18, 4) NOT NULL,
	"total_discounts" numeric(18, 4) NOT NULL,
	"total_refunded" numeric(18, 4) NOT NULL,
	"customer_id" bigint,
	"customer_name" text,
	"email" text,
	"phone" text,
	"shipping_address" jsonb,
	"billing_address" jsonb,
	"shipping_method" text,
	"note" text,
	"tags" text[] DEFAULT '{}' NOT NULL,
	"risk" text,
	"source_name" text,
	"test" boolean DEFAULT false NOT NULL,
	"units" integer DEFAULT 0 NOT NULL,
	"units_to_fulfil" integer DEFAULT 0 NOT NULL,
	"location_ids" bigint[] DEFAULT '{}' NOT NULL,
	"search_text" text DEFAULT '' NOT NULL,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "orders_shop_id_pk" PRIMARY KEY("shop","id")
);
--> statement-breakpoint
CREATE TABLE "products" (
	"shop" text NOT NULL,
	"id" bigint NOT NULL,
	"title" text NOT NULL,
	"handle" text NOT NULL,
	"status" text NOT NULL,
	"vendor" text DEFAULT '' NOT NULL,
	"product_type" text DEFAULT '' NOT NULL,
	"tags" text[] DEFAULT '{}' NOT NULL,
	"image_url" text,
	"variant_count" integer DEFAULT 0 NOT NULL,
	"search_text" text DEFAULT '' NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "products_shop_id_pk" PRIMARY KEY("shop","id")
);
--> statement-breakpoint
CREATE TABLE "saved_views" (
	"shop" text NOT NULL,
	"id" uuid NOT NULL,
	"page" text NOT NULL,
	"name" text NOT NULL,
	"query" text NOT NULL,
	"position" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "saved_views_shop_id_pk" PRIMARY KEY("shop","id")
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"shop" text NOT NULL,
	"id" text NOT NULL,
	"is_online" boolean NOT NULL,
	"state" text NOT NULL,
	"scope" text,
	"expires_at" timestamp with time zone,
	"access_token" text,
	"refresh_token" text,
	"refresh_token_expires_at" timestamp with time zone,
	"user_id" bigint,
	"online_access_info" jsonb,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "sessions_shop_id_pk" PRIMARY KEY("shop","id")
);
--> statement-breakpoint
CREATE TABLE "settings" (
	"shop" text PRIMARY KEY NOT NULL,
	"values" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_by" text
);
--> statement-breakpoint
CREATE TABLE "shops" (
	"shop" text PRIMARY KEY NOT NULL,
	"shopify_id" bigint,
	"name" text,
	"email" text,
	"currency" text,
	"time_zone" text,
	"plan" text,
	"primary_location_id" bigint,
	"installed_at" timestamp with time zone DEFAULT now() NOT NULL,
	"uninstalled_at" timestamp with time zone,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sync_runs" (
	"shop" text NOT NULL,
	"id" uuid NOT NULL,
	"kind" text NOT NULL,
	"state" text DEFAULT 'running' NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"error" text,
	"phases" jsonb DEFAULT '[]'::jsonb NOT NULL,
	CONSTRAINT "sync_runs_shop_id_pk" PRIMARY KEY("shop","id")
);
--> statement-breakpoint
CREATE TABLE "variants" (
	"shop" text NOT NULL,
	"id" bigint NOT NULL,
	"product_id" bigint NOT NULL,
	"inventory_item_id" bigint NOT NULL,
	"title" text,
	"sku" text DEFAULT '' NOT NULL,
	"barcode" text,
	"price" numeric(18, 4) NOT NULL,
	"compare_at_price" numeric(18, 4),
	"position" integer DEFAULT 1 NOT NULL,
	"image_url" text,
	"tracked" boolean DEFAULT true NOT NULL,
	"search_text" text DEFAULT '' NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	"deleted_at" timestamp with time zone,
	CONSTRAINT "variants_shop_id_pk" PRIMARY KEY("shop","id")
);
--> statement-breakpoint
CREATE TABLE "webhook_deliveries" (
	"shop" text NOT NULL,
	"id" text NOT NULL,
	"sequence" bigint GENERATED ALWAYS AS IDENTITY (sequence name "webhook_deliveries_sequence_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"topic" text NOT NULL,
	"api_version" text NOT NULL,
	"event_id" text,
	"triggered_at" timestamp with time zone,
	"received_at" timestamp with time zone DEFAULT now() NOT NULL,
	"body" text NOT NULL,
	"state" text DEFAULT 'received' NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"leased_until" timestamp with time zone,
	"applied_at" timestamp with time zone,
	"error" text,
	CONSTRAINT "webhook_deliveries_shop_id_pk" PRIMARY KEY("shop","id")
);
--> statement-breakpoint
CREATE INDEX "command_events_by_command" ON "command_events" USING btree ("shop","command_id","id");--> statement-breakpoint
CREATE INDEX "commands_by_resource" ON "commands" USING btree ("shop","resource","accepted_at");--> statement-breakpoint
CREATE INDEX "commands_pending" ON "commands" USING btree ("shop","accepted_at") WHERE state not in ('done', 'discarded');--> statement-breakpoint
CREATE INDEX "fulfillment_orders_by_id" ON "fulfillment_orders" USING btree ("shop","id");--> statement-breakpoint
CREATE INDEX "inventory_levels_by_location" ON "inventory_levels" USING btree ("shop","location_id","available");--> statement-breakpoint
CREATE INDEX "operations_created_at" ON "operations" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "orders_by_placed_at" ON "orders" USING btree ("shop","placed_at" DESC NULLS LAST,"id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "orders_by_updated_at" ON "orders" USING btree ("shop","updated_at","id");--> statement-breakpoint
CREATE INDEX "orders_by_total" ON "orders" USING btree ("shop","total","id");--> statement-breakpoint
CREATE INDEX "orders_by_customer" ON "orders" USING btree ("shop","customer_name","id");--> statement-breakpoint
CREATE INDEX "orders_to_fulfil" ON "orders" USING btree ("shop","placed_at","id") WHERE units_to_fulfil > 0 and cancelled_at is null and deleted_at is null;--> statement-breakpoint
CREATE INDEX "orders_search" ON "orders" USING gin ("search_text" gin_trgm_ops);--> statement-breakpoint
CREATE INDEX "products_by_title" ON "products" USING btree ("shop","title","id");--> statement-breakpoint
CREATE INDEX "products_by_updated_at" ON "products" USING btree ("shop","updated_at","id");--> statement-breakpoint
CREATE INDEX "products_search" ON "products" USING gin ("search_text" gin_trgm_ops);--> statement-breakpoint
CREATE INDEX "sync_runs_by_started_at" ON "sync_runs" USING btree ("shop","started_at" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "variants_by_product" ON "variants" USING btree ("shop","product_id");--> statement-breakpoint
CREATE INDEX "variants_by_inventory_item" ON "variants" USING btree ("shop","inventory_item_id");--> statement-breakpoint
CREATE INDEX "variants_by_sku" ON "variants" USING btree ("shop","sku","id");--> statement-breakpoint
CREATE INDEX "variants_search" ON "variants" USING gin ("search_text" gin_trgm_ops);--> statement-breakpoint
CREATE INDEX "webhook_deliveries_waiting" ON "webhook_deliveries" USING btree ("sequence") WHERE state = 'received';--> statement-breakpoint
CREATE INDEX "webhook_deliveries_by_sequence" ON "webhook_deliveries" USING btree ("shop","sequence" DESC NULLS LAST);