ALTER TABLE "pipeline_versions" DROP COLUMN "spec";--> statement-breakpoint
ALTER TABLE "pipeline_versions" DROP COLUMN "params";--> statement-breakpoint
ALTER TABLE "pipeline_versions" DROP COLUMN "code";--> statement-breakpoint
ALTER TABLE "pipeline_versions" DROP COLUMN "priority";