CREATE TABLE "assessments" (
	"id" text PRIMARY KEY NOT NULL,
	"trace" text NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"created_ms" bigint NOT NULL,
	"valid" boolean NOT NULL,
	"value" text NOT NULL,
	"json" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "spans" (
	"trace" text NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"type" text NOT NULL,
	"status" text NOT NULL,
	"start_ns" bigint NOT NULL,
	"end_ns" bigint NOT NULL,
	"attributes" jsonb NOT NULL,
	"json" text NOT NULL,
	CONSTRAINT "spans_trace_id_pk" PRIMARY KEY("trace","id")
);
--> statement-breakpoint
CREATE TABLE "trace_runs" (
	"trace" text NOT NULL,
	"run" text NOT NULL,
	CONSTRAINT "trace_runs_run_trace_pk" PRIMARY KEY("run","trace")
);
--> statement-breakpoint
CREATE TABLE "traces" (
	"id" text PRIMARY KEY NOT NULL,
	"experiment" bigint NOT NULL,
	"request_ms" bigint NOT NULL,
	"execution_ms" bigint,
	"state" text NOT NULL,
	"client_request_id" text,
	"request_preview" text,
	"response_preview" text,
	"metadata" jsonb NOT NULL,
	"tags" jsonb NOT NULL,
	"told" boolean NOT NULL,
	CONSTRAINT "traces_state" CHECK ("traces"."state" in ('STATE_UNSPECIFIED', 'OK', 'ERROR', 'IN_PROGRESS'))
);
--> statement-breakpoint
CREATE INDEX "assessments_trace" ON "assessments" USING btree ("trace","created_ms");--> statement-breakpoint
CREATE INDEX "trace_runs_trace" ON "trace_runs" USING btree ("trace");--> statement-breakpoint
CREATE INDEX "traces_newest" ON "traces" USING btree ("experiment","request_ms" DESC NULLS LAST,"id");