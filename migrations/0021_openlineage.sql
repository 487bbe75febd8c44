CREATE TABLE "openlineage_datasets" (
	"node" text collate "C" PRIMARY KEY NOT NULL,
	"namespace" text collate "C" NOT NULL,
	"name" text collate "C" NOT NULL,
	"created_ms" double precision NOT NULL,
	"updated_ms" double precision NOT NULL
);
--> statement-breakpoint
CREATE TABLE "openlineage_events" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"at_ms" double precision NOT NULL,
	"received_ms" double precision NOT NULL,
	"kind" text NOT NULL,
	"body" json NOT NULL
);
--> statement-breakpoint
CREATE TABLE "openlineage_facets" (
	"owner" text collate "C" NOT NULL,
	"name" text collate "C" NOT NULL,
	"turn" double precision NOT NULL,
	"body" json,
	CONSTRAINT "openlineage_facets_owner_name_pk" PRIMARY KEY("owner","name")
);
--> statement-breakpoint
CREATE TABLE "openlineage_jobs" (
	"node" text collate "C" PRIMARY KEY NOT NULL,
	"namespace" text collate "C" NOT NULL,
	"name" text collate "C" NOT NULL,
	"created_ms" double precision NOT NULL,
	"updated_ms" double precision NOT NULL
);
--> statement-breakpoint
CREATE TABLE "openlineage_outbox" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "openlineage_outbox_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"news" json NOT NULL,
	"at_ms" double precision NOT NULL,
	"attempts" integer NOT NULL,
	"next_ms" double precision NOT NULL
);
--> statement-breakpoint
CREATE TABLE "openlineage_runs" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"namespace" text collate "C" NOT NULL,
	"name" text collate "C" NOT NULL,
	"state" text NOT NULL,
	"state_turn" double precision NOT NULL,
	"started_ms" double precision,
	"ended_ms" double precision,
	"nominal_start_ms" double precision,
	"nominal_end_ms" double precision,
	"parent" text,
	"job_version" text,
	"created_ms" double precision NOT NULL,
	"updated_ms" double precision NOT NULL
);
--> statement-breakpoint
CREATE TABLE "openlineage_uses" (
	"owner" text collate "C" NOT NULL,
	"direction" text NOT NULL,
	"dataset" text collate "C" NOT NULL,
	"version" text collate "C" NOT NULL,
	"node" text collate "C" NOT NULL,
	"edge" boolean NOT NULL,
	"at_ms" double precision NOT NULL,
	CONSTRAINT "openlineage_uses_owner_direction_dataset_version_pk" PRIMARY KEY("owner","direction","dataset","version"),
	CONSTRAINT "openlineage_uses_direction" CHECK ("openlineage_uses"."direction" in ('input', 'output'))
);
--> statement-breakpoint
CREATE TABLE "openlineage_versions" (
	"dataset" text collate "C" NOT NULL,
	"version" text collate "C" NOT NULL,
	"node" text collate "C" NOT NULL,
	"run" text,
	"created_ms" double precision NOT NULL,
	CONSTRAINT "openlineage_versions_dataset_version_pk" PRIMARY KEY("dataset","version")
);
--> statement-breakpoint
CREATE INDEX "openlineage_datasets_name" ON "openlineage_datasets" USING btree ("namespace","name");--> statement-breakpoint
CREATE INDEX "openlineage_events_at" ON "openlineage_events" USING btree ("at_ms","id");--> statement-breakpoint
CREATE INDEX "openlineage_jobs_name" ON "openlineage_jobs" USING btree ("namespace","name");--> statement-breakpoint
CREATE INDEX "openlineage_runs_job" ON "openlineage_runs" USING btree ("namespace","name","created_ms" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "openlineage_uses_dataset" ON "openlineage_uses" USING btree ("dataset","direction");--> statement-breakpoint
CREATE INDEX "openlineage_versions_node" ON "openlineage_versions" USING btree ("node");--> statement-breakpoint
CREATE INDEX "openlineage_versions_newest" ON "openlineage_versions" USING btree ("dataset","created_ms" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "data_versions_source" ON "data_versions" USING btree ("source") WHERE "data_versions"."source" <> '';