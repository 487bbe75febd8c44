CREATE TABLE "task_maps" (
	"job" text NOT NULL,
	"task" text NOT NULL,
	"count" integer NOT NULL,
	"values" json NOT NULL,
	CONSTRAINT "task_maps_job_task_pk" PRIMARY KEY("job","task")
);
--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "result" json;