CREATE TABLE "result_cache" (
	"key" text PRIMARY KEY NOT NULL,
	"lane" text NOT NULL,
	"parts" json NOT NULL,
	"execution" text,
	"outputs" json,
	"result" json,
	"made_at_ms" double precision NOT NULL
);
--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "cache" json;--> statement-breakpoint
CREATE INDEX "result_cache_lane" ON "result_cache" USING btree ("lane","made_at_ms" DESC NULLS LAST);