CREATE TABLE "gate_sets" (
	"number" integer PRIMARY KEY NOT NULL,
	"gates" jsonb NOT NULL,
	"set_ms" bigint NOT NULL,
	"set_by" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "model_aliases" (
	"model" bigint NOT NULL,
	"alias" text NOT NULL,
	"version" integer NOT NULL,
	"set_ms" bigint NOT NULL,
	"set_by" text NOT NULL,
	CONSTRAINT "model_aliases_model_alias_pk" PRIMARY KEY("model","alias")
);
--> statement-breakpoint
CREATE TABLE "model_evaluations" (
	"id" text PRIMARY KEY NOT NULL,
	"model" bigint NOT NULL,
	"version" integer NOT NULL,
	"dataset" text NOT NULL,
	"dataset_digest" text NOT NULL,
	"metrics" jsonb NOT NULL,
	"segments" jsonb NOT NULL,
	"attempt" text NOT NULL,
	"run_id" text NOT NULL,
	"by" text NOT NULL,
	"at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "model_moves" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "model_moves_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"model" bigint NOT NULL,
	"kind" text NOT NULL,
	"alias" text,
	"from_version" integer,
	"to_version" integer,
	"from_stage" text,
	"to_stage" text,
	"at_ms" bigint NOT NULL,
	"by" text NOT NULL,
	"reason" text NOT NULL,
	"gates" jsonb NOT NULL,
	"overridden" boolean NOT NULL,
	CONSTRAINT "model_moves_kind" CHECK ("model_moves"."kind" in ('set', 'rollback', 'removed', 'stage', 'refused'))
);
--> statement-breakpoint
CREATE TABLE "model_version_tags" (
	"model" bigint NOT NULL,
	"version" integer NOT NULL,
	"key" text NOT NULL,
	"value" text NOT NULL,
	CONSTRAINT "model_version_tags_model_version_key_pk" PRIMARY KEY("model","version","key")
);
--> statement-breakpoint
CREATE TABLE "model_version_uses" (
	"model" bigint NOT NULL,
	"version" integer NOT NULL,
	"used_by" text NOT NULL,
	"since_ms" bigint NOT NULL,
	CONSTRAINT "model_version_uses_model_version_used_by_pk" PRIMARY KEY("model","version","used_by")
);
--> statement-breakpoint
CREATE TABLE "model_versions" (
	"model" bigint NOT NULL,
	"version" integer NOT NULL,
	"uid" text NOT NULL,
	"source" text NOT NULL,
	"location" text NOT NULL,
	"run_id" text NOT NULL,
	"run_link" text NOT NULL,
	"model_id" text NOT NULL,
	"digest" text,
	"files" integer NOT NULL,
	"bytes" bigint NOT NULL,
	"facts" jsonb NOT NULL,
	"created_by" text NOT NULL,
	"created_ms" bigint NOT NULL,
	"updated_ms" bigint NOT NULL,
	"description" text NOT NULL,
	"stage" text NOT NULL,
	"deleted_ms" bigint,
	CONSTRAINT "model_versions_model_version_pk" PRIMARY KEY("model","version"),
	CONSTRAINT "model_versions_stage" CHECK ("model_versions"."stage" in ('None', 'Staging', 'Production', 'Archived'))
);
--> statement-breakpoint
CREATE TABLE "registered_model_tags" (
	"model" bigint NOT NULL,
	"key" text NOT NULL,
	"value" text NOT NULL,
	CONSTRAINT "registered_model_tags_model_key_pk" PRIMARY KEY("model","key")
);
--> statement-breakpoint
CREATE TABLE "registered_models" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "registered_models_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	"description" text,
	"created_ms" bigint NOT NULL,
	"updated_ms" bigint NOT NULL,
	"last_version" integer DEFAULT 0 NOT NULL,
	"deleted_ms" bigint
);
--> statement-breakpoint
CREATE TABLE "registry_events" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "registry_events_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"event" text NOT NULL,
	"model" text NOT NULL,
	"body" jsonb NOT NULL,
	"at_ms" bigint NOT NULL,
	"published_ms" bigint
);
--> statement-breakpoint
CREATE TABLE "signing_keys" (
	"name" text PRIMARY KEY NOT NULL,
	"public_key" text NOT NULL,
	"added_ms" bigint NOT NULL,
	"added_by" text NOT NULL,
	"revoked_ms" bigint
);
--> statement-breakpoint
CREATE TABLE "version_signatures" (
	"uid" text NOT NULL,
	"key" text NOT NULL,
	"signature" text NOT NULL,
	"at_ms" bigint NOT NULL,
	"by" text NOT NULL,
	CONSTRAINT "version_signatures_uid_key_pk" PRIMARY KEY("uid","key")
);
--> statement-breakpoint
CREATE TABLE "webhook_deliveries" (
	"id" text PRIMARY KEY NOT NULL,
	"webhook" text NOT NULL,
	"event" bigint NOT NULL,
	"state" text NOT NULL,
	"attempts" integer NOT NULL,
	"next_ms" double precision NOT NULL,
	"done_ms" bigint,
	"error" text NOT NULL,
	CONSTRAINT "webhook_deliveries_state" CHECK ("webhook_deliveries"."state" in ('pending', 'sent', 'dead'))
);
--> statement-breakpoint
CREATE TABLE "webhooks" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"description" text NOT NULL,
	"url" text NOT NULL,
	"events" text[] NOT NULL,
	"secret" text,
	"status" text NOT NULL,
	"created_ms" bigint NOT NULL,
	"updated_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "model_aliases_version" ON "model_aliases" USING btree ("model","version");--> statement-breakpoint
CREATE INDEX "model_evaluations_version" ON "model_evaluations" USING btree ("model","version","dataset","at_ms");--> statement-breakpoint
CREATE INDEX "model_moves_alias" ON "model_moves" USING btree ("model","alias","id");--> statement-breakpoint
CREATE UNIQUE INDEX "model_versions_uid" ON "model_versions" USING btree ("uid");--> statement-breakpoint
CREATE INDEX "model_versions_newest" ON "model_versions" USING btree ("updated_ms" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "model_versions_run" ON "model_versions" USING btree ("run_id");--> statement-breakpoint
CREATE INDEX "model_versions_digest" ON "model_versions" USING btree ("digest");--> statement-breakpoint
CREATE INDEX "registered_model_tags_key" ON "registered_model_tags" USING btree ("key");--> statement-breakpoint
CREATE UNIQUE INDEX "registered_models_name" ON "registered_models" USING btree ("name") WHERE "registered_models"."deleted_ms" is null;--> statement-breakpoint
CREATE INDEX "registry_events_unpublished" ON "registry_events" USING btree ("id") WHERE "registry_events"."published_ms" is null;--> statement-breakpoint
CREATE INDEX "registry_events_at" ON "registry_events" USING btree ("at_ms");--> statement-breakpoint
CREATE INDEX "webhook_deliveries_due" ON "webhook_deliveries" USING btree ("next_ms") WHERE "webhook_deliveries"."state" = 'pending';--> statement-breakpoint
CREATE INDEX "webhook_deliveries_webhook" ON "webhook_deliveries" USING btree ("webhook");