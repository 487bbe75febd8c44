CREATE TABLE "data_tags" (
	"name" text NOT NULL,
	"tag" text NOT NULL,
	"version" integer NOT NULL,
	"moved_at_ms" double precision NOT NULL,
	CONSTRAINT "data_tags_name_tag_pk" PRIMARY KEY("name","tag")
);
--> statement-breakpoint
CREATE TABLE "data_versions" (
	"name" text NOT NULL,
	"version" integer NOT NULL,
	"node" text GENERATED ALWAYS AS ('dataset:' || name || '@' || version) STORED NOT NULL,
	"digest" text NOT NULL,
	"kind" text NOT NULL,
	"bytes" bigint NOT NULL,
	"files" integer NOT NULL,
	"file_name" text NOT NULL,
	"source" text NOT NULL,
	"source_version" text NOT NULL,
	"message" text NOT NULL,
	"added_by" text NOT NULL,
	"added_at_ms" double precision NOT NULL,
	CONSTRAINT "data_versions_name_version_pk" PRIMARY KEY("name","version"),
	CONSTRAINT "data_versions_kind" CHECK ("data_versions"."kind" in ('file', 'tree'))
);
--> statement-breakpoint
CREATE TABLE "links" (
	"source" text NOT NULL,
	"target" text NOT NULL,
	"kind" text NOT NULL,
	"at_ms" double precision NOT NULL,
	CONSTRAINT "links_target_source_kind_pk" PRIMARY KEY("target","source","kind")
);
--> statement-breakpoint
DROP INDEX "edges_digest";--> statement-breakpoint
CREATE UNIQUE INDEX "data_versions_node" ON "data_versions" USING btree ("node");--> statement-breakpoint
CREATE INDEX "data_versions_digest" ON "data_versions" USING btree ("digest");--> statement-breakpoint
CREATE INDEX "links_source" ON "links" USING btree ("source");--> statement-breakpoint
CREATE INDEX "executions_environment" ON "executions" USING btree ("environment_digest") WHERE "executions"."environment_digest" is not null;--> statement-breakpoint
CREATE INDEX "edges_digest" ON "edges" USING btree ("digest","execution" text_pattern_ops);