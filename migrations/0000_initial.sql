CREATE TABLE "jobs" (
	"id" text PRIMARY KEY NOT NULL,
	"pipeline" text NOT NULL,
	"spec" json NOT NULL,
	"shape" json NOT NULL,
	"params" json NOT NULL,
	"code" json,
	"priority" integer NOT NULL,
	"trigger" text NOT NULL,
	"idempotency_key" text,
	"submitted_at_ms" double precision NOT NULL,
	"state" text NOT NULL,
	"started_at_ms" double precision,
	"finished_at_ms" double precision,
	"cancel_requested" boolean NOT NULL,
	"reason" text NOT NULL,
	CONSTRAINT "jobs_state" CHECK ("jobs"."state" in ('pending', 'running', 'succeeded', 'failed', 'cancelled'))
);
--> statement-breakpoint
CREATE TABLE "leader" (
	"id" integer PRIMARY KEY NOT NULL,
	"term" bigint NOT NULL,
	"holder" text NOT NULL,
	"address" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "leader_one_row" CHECK ("leader"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "nodes" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"state" text NOT NULL,
	"labels" jsonb NOT NULL,
	"capacity" jsonb NOT NULL,
	CONSTRAINT "nodes_state" CHECK ("nodes"."state" in ('ready', 'cordoned', 'draining', 'lost'))
);
--> statement-breakpoint
CREATE TABLE "tasks" (
	"job" text NOT NULL,
	"task" text NOT NULL,
	"index" integer NOT NULL,
	"state" text NOT NULL,
	"attempt" integer NOT NULL,
	"node" text,
	"gpu_uuids" jsonb NOT NULL,
	"assigned_at_ms" double precision,
	"started_at_ms" double precision,
	"finished_at_ms" double precision,
	"exit_code" integer,
	"reason" text NOT NULL,
	"message" text NOT NULL,
	"outputs" jsonb NOT NULL,
	"failures" integer NOT NULL,
	"losses" integer NOT NULL,
	"not_before_ms" double precision,
	CONSTRAINT "tasks_job_task_index_pk" PRIMARY KEY("job","task","index"),
	CONSTRAINT "tasks_state" CHECK ("tasks"."state" in ('pending', 'ready', 'assigned', 'running', 'succeeded', 'failed', 'cancelled', 'skipped'))
);
--> statement-breakpoint
CREATE TABLE "artifacts" (
	"digest" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"bytes" bigint,
	"producer" text,
	CONSTRAINT "artifacts_kind" CHECK ("artifacts"."kind" in ('file', 'tree'))
);
--> statement-breakpoint
CREATE TABLE "edges" (
	"execution" text NOT NULL,
	"direction" text NOT NULL,
	"name" text NOT NULL,
	"digest" text NOT NULL,
	CONSTRAINT "edges_execution_direction_name_digest_pk" PRIMARY KEY("execution","direction","name","digest"),
	CONSTRAINT "edges_direction" CHECK ("edges"."direction" in ('input', 'output'))
);
--> statement-breakpoint
CREATE TABLE "executions" (
	"id" text PRIMARY KEY NOT NULL,
	"job_id" text NOT NULL,
	"task" text NOT NULL,
	"index" integer NOT NULL,
	"attempt" integer NOT NULL,
	"state" text NOT NULL,
	"node_id" text NOT NULL,
	"node" text NOT NULL,
	"gpu_uuids" text[] NOT NULL,
	"code_digest" text,
	"code_commit" text,
	"code_dirty" boolean NOT NULL,
	"command" text NOT NULL,
	"params" jsonb NOT NULL,
	"map" jsonb NOT NULL,
	"started_at_ms" double precision,
	"finished_at_ms" double precision NOT NULL,
	"exit_code" integer,
	"signal" text,
	"reason" text NOT NULL,
	"message" text NOT NULL,
	"cpu_ms" double precision NOT NULL,
	"peak_memory_bytes" bigint NOT NULL,
	"usage_source" text NOT NULL,
	"environment_digest" text,
	"stdout_bytes" bigint NOT NULL,
	"stderr_bytes" bigint NOT NULL,
	"archived" boolean DEFAULT false NOT NULL,
	"stdout_digest" text,
	"stderr_digest" text,
	CONSTRAINT "executions_state" CHECK ("executions"."state" in ('succeeded', 'failed', 'cancelled', 'lost'))
);
--> statement-breakpoint
CREATE UNIQUE INDEX "jobs_idempotency_key" ON "jobs" USING btree ("idempotency_key");--> statement-breakpoint
CREATE INDEX "jobs_newest" ON "jobs" USING btree ("submitted_at_ms" DESC NULLS LAST,"id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "jobs_state_newest" ON "jobs" USING btree ("state","submitted_at_ms" DESC NULLS LAST,"id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "jobs_pipeline_newest" ON "jobs" USING btree ("pipeline","submitted_at_ms" DESC NULLS LAST,"id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "jobs_id_prefix" ON "jobs" USING btree ("id" text_pattern_ops);--> statement-breakpoint
CREATE INDEX "jobs_unfinished" ON "jobs" USING btree ("id") WHERE "jobs"."state" in ('pending', 'running');--> statement-breakpoint
CREATE INDEX "edges_digest" ON "edges" USING btree ("digest");--> statement-breakpoint
CREATE INDEX "executions_job" ON "executions" USING btree ("job_id");