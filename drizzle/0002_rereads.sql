CREATE TABLE "rereads" (
	"shop" text NOT NULL,
	"kind" text NOT NULL,
	"id" bigint NOT NULL,
	"requested_at" timestamp with time zone DEFAULT now() NOT NULL,
	"due_at" timestamp with time zone DEFAULT now() NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "rereads_shop_kind_id_pk" PRIMARY KEY("shop","kind","id")
);
--> statement-breakpoint
ALTER TABLE "orders" ADD COLUMN "redacted_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "rereads_by_due_at" ON "rereads" USING btree ("shop","due_at");--> statement-breakpoint
CREATE UNIQUE INDEX "sync_runs_one_at_a_time" ON "sync_runs" USING btree ("shop") WHERE state = 'running';