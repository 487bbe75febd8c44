CREATE TABLE "evaluation_records" (
	"number" bigint GENERATED ALWAYS AS IDENTITY (sequence name "evaluation_records_number_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"set" text NOT NULL,
	"inputs_hash" "bytea" NOT NULL,
	"id" text NOT NULL,
	"inputs" jsonb NOT NULL,
	"outputs" jsonb,
	"expectations" jsonb,
	"tags" jsonb NOT NULL,
	"source" jsonb,
	"created_ms" bigint NOT NULL,
	"updated_ms" bigint NOT NULL,
	"created_by" text,
	"updated_by" text,
	CONSTRAINT "evaluation_records_set_inputs_hash_pk" PRIMARY KEY("set","inputs_hash")
);
--> statement-breakpoint
CREATE TABLE "evaluation_set_experiments" (
	"set" text NOT NULL,
	"experiment" bigint NOT NULL,
	CONSTRAINT "evaluation_set_experiments_set_experiment_pk" PRIMARY KEY("set","experiment")
);
--> statement-breakpoint
CREATE TABLE "evaluation_sets" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"digest" text NOT NULL,
	"created_ms" bigint NOT NULL,
	"updated_ms" bigint NOT NULL,
	"created_by" text,
	"updated_by" text,
	"tags" jsonb NOT NULL,
	"schema" jsonb,
	"records" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "scorer_versions" (
	"scorer" text NOT NULL,
	"version" integer NOT NULL,
	"serialized" text NOT NULL,
	"created_ms" bigint NOT NULL,
	CONSTRAINT "scorer_versions_scorer_version_pk" PRIMARY KEY("scorer","version")
);
--> statement-breakpoint
CREATE TABLE "scorers" (
	"id" text PRIMARY KEY NOT NULL,
	"experiment" bigint NOT NULL,
	"name" text NOT NULL,
	"last_version" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "trace_prompts" (
	"trace" text NOT NULL,
	"prompt" text NOT NULL,
	CONSTRAINT "trace_prompts_prompt_trace_pk" PRIMARY KEY("prompt","trace")
);
--> statement-breakpoint
CREATE UNIQUE INDEX "evaluation_records_id" ON "evaluation_records" USING btree ("set","id");--> statement-breakpoint
CREATE INDEX "evaluation_records_page" ON "evaluation_records" USING btree ("set","number");--> statement-breakpoint
CREATE INDEX "evaluation_set_experiments_experiment" ON "evaluation_set_experiments" USING btree ("experiment");--> statement-breakpoint
CREATE INDEX "evaluation_sets_newest" ON "evaluation_sets" USING btree ("created_ms" DESC NULLS LAST,"id" DESC NULLS LAST);--> statement-breakpoint
CREATE UNIQUE INDEX "scorers_name" ON "scorers" USING btree ("experiment","name");--> statement-breakpoint
CREATE INDEX "trace_prompts_trace" ON "trace_prompts" USING btree ("trace");