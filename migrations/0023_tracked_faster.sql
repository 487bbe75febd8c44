DROP INDEX "run_metrics_value";--> statement-breakpoint
ALTER TABLE "metric_chunks" ALTER COLUMN "level" SET DEFAULT 0;--> statement-breakpoint
CREATE INDEX "webhook_deliveries_event" ON "webhook_deliveries" USING btree ("event");--> statement-breakpoint
CREATE INDEX "run_metrics_value_run" ON "run_metrics" USING btree ("key","value","run");--> statement-breakpoint
-- Values of one key are not those of another: without them a search takes "optimizer = adam" for as rare as adam is among all params.
CREATE STATISTICS "run_params_key_value" (mcv) ON "key", (left("value", 120)) FROM "run_params";--> statement-breakpoint
CREATE STATISTICS "run_tags_key_value" (mcv) ON "key", (left("value", 120)) FROM "run_tags";
