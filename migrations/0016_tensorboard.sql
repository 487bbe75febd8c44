CREATE TABLE "event_files" (
	"run" bigint NOT NULL,
	"file" text NOT NULL,
	"offset" bigint NOT NULL,
	CONSTRAINT "event_files_run_file_pk" PRIMARY KEY("run","file")
);
--> statement-breakpoint
CREATE TABLE "run_summaries" (
	"run" bigint NOT NULL,
	"key" text NOT NULL,
	"step" bigint NOT NULL,
	"wall_ms" bigint NOT NULL,
	"kind" text NOT NULL,
	"value" "bytea" NOT NULL,
	CONSTRAINT "run_summaries_run_key_step_wall_ms_pk" PRIMARY KEY("run","key","step","wall_ms")
);
