ALTER TABLE "commands" ADD COLUMN "bulk_id" uuid;--> statement-breakpoint
CREATE INDEX "commands_by_bulk" ON "commands" USING btree ("shop","accepted_at") WHERE bulk_id is not null;