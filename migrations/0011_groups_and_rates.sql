CREATE TABLE "rates" (
	"key" text PRIMARY KEY NOT NULL,
	"starts" json NOT NULL,
	"per_ms" double precision NOT NULL
);
--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "waits_for" text;