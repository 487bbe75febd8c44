CREATE TABLE "notifications" (
	"id" text PRIMARY KEY NOT NULL,
	"job" text NOT NULL,
	"pipeline" text NOT NULL,
	"event" text NOT NULL,
	"target" jsonb NOT NULL,
	"subject" text NOT NULL,
	"text" text NOT NULL,
	"body" jsonb NOT NULL,
	"state" text NOT NULL,
	"attempts" integer NOT NULL,
	"claimed_term" integer,
	"next_at_ms" double precision NOT NULL,
	"created_at_ms" double precision NOT NULL,
	"done_at_ms" double precision,
	"error" text NOT NULL,
	CONSTRAINT "notifications_state" CHECK ("notifications"."state" in ('pending', 'sent', 'dead'))
);
--> statement-breakpoint
CREATE TABLE "pipeline_versions" (
	"pipeline" text NOT NULL,
	"version" integer NOT NULL,
	"digest" text NOT NULL,
	"spec" json NOT NULL,
	"params" json NOT NULL,
	"code" json,
	"priority" integer NOT NULL,
	"created_at_ms" double precision NOT NULL,
	CONSTRAINT "pipeline_versions_pipeline_version_pk" PRIMARY KEY("pipeline","version")
);
--> statement-breakpoint
CREATE TABLE "trigger_events" (
	"trigger" text NOT NULL,
	"event" text NOT NULL,
	"name" text NOT NULL,
	"seq" bigserial NOT NULL,
	"kind" text NOT NULL,
	"at_ms" double precision NOT NULL,
	"content" text NOT NULL,
	"context" json,
	"params" json NOT NULL,
	"force" integer NOT NULL,
	"depth" integer NOT NULL,
	"state" text NOT NULL,
	"version" integer,
	"job" text,
	"reason" text NOT NULL,
	CONSTRAINT "trigger_events_trigger_event_pk" PRIMARY KEY("trigger","event"),
	CONSTRAINT "trigger_events_state" CHECK ("trigger_events"."state" in ('pending', 'accepted', 'fired', 'dropped', 'refused'))
);
--> statement-breakpoint
CREATE TABLE "triggers" (
	"id" text PRIMARY KEY NOT NULL,
	"pipeline" text NOT NULL,
	"name" text NOT NULL,
	"source" jsonb NOT NULL,
	"watches" text,
	"params" json NOT NULL,
	"dedupe_window_ms" double precision NOT NULL,
	"dedupe_key" text NOT NULL,
	"cooldown_ms" double precision NOT NULL,
	"version" integer NOT NULL,
	"state" text NOT NULL,
	"secret" text,
	"cursor_ms" double precision NOT NULL,
	"fired_at_ms" double precision,
	"last_content" text,
	"created_at_ms" double precision NOT NULL,
	"changed_at_ms" double precision NOT NULL,
	CONSTRAINT "triggers_state" CHECK ("triggers"."state" in ('active', 'paused'))
);
--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "triggered_by" json;--> statement-breakpoint
CREATE INDEX "notifications_due" ON "notifications" USING btree ("next_at_ms") WHERE "notifications"."state" = 'pending';--> statement-breakpoint
CREATE INDEX "notifications_newest" ON "notifications" USING btree ("created_at_ms" DESC NULLS LAST,"id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "notifications_job" ON "notifications" USING btree ("job");--> statement-breakpoint
CREATE UNIQUE INDEX "pipeline_versions_digest" ON "pipeline_versions" USING btree ("pipeline","digest");--> statement-breakpoint
CREATE INDEX "trigger_events_open" ON "trigger_events" USING btree ("seq") WHERE "trigger_events"."state" in ('pending', 'accepted');--> statement-breakpoint
CREATE INDEX "trigger_events_latest" ON "trigger_events" USING btree ("trigger","seq" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "trigger_events_content" ON "trigger_events" USING btree ("trigger","content","at_ms") WHERE "trigger_events"."state" in ('accepted', 'fired');--> statement-breakpoint
CREATE UNIQUE INDEX "triggers_name" ON "triggers" USING btree ("pipeline","name");--> statement-breakpoint
CREATE INDEX "triggers_watches" ON "triggers" USING btree ("watches") WHERE "triggers"."watches" is not null;