CREATE TABLE "source_reads" (
	"execution" text NOT NULL,
	"name" text NOT NULL,
	"job_id" text NOT NULL,
	"task" text NOT NULL,
	"node" text NOT NULL,
	"uri" text NOT NULL,
	"version" text NOT NULL,
	"digest" text NOT NULL,
	"kind" text NOT NULL,
	"bytes" bigint NOT NULL,
	"file_name" text NOT NULL,
	"kept" boolean NOT NULL,
	CONSTRAINT "source_reads_execution_name_pk" PRIMARY KEY("execution","name"),
	CONSTRAINT "source_reads_kind" CHECK ("source_reads"."kind" in ('file', 'tree'))
);
--> statement-breakpoint
CREATE INDEX "source_reads_node" ON "source_reads" USING btree ("node");--> statement-breakpoint
CREATE INDEX "source_reads_uri" ON "source_reads" USING btree ("uri") WHERE "source_reads"."uri" <> '';--> statement-breakpoint
CREATE INDEX "source_reads_job" ON "source_reads" USING btree ("job_id") WHERE "source_reads"."uri" <> '';