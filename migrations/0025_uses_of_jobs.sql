DROP INDEX "openlineage_uses_dataset";--> statement-breakpoint
CREATE INDEX "openlineage_uses_jobs" ON "openlineage_uses" USING btree ("dataset") WHERE "openlineage_uses"."owner" like 'job:%';--> statement-breakpoint
CREATE INDEX "openlineage_uses_dataset" ON "openlineage_uses" USING btree ("dataset","direction","at_ms" DESC NULLS LAST);