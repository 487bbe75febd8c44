import type { GateVerdict, ModelHead, ModelMove, ModelVersion, RegisteredModel } from "../sdk/index.ts";
import { inColor } from "./state.ts";
import { renderTable } from "./table.ts";
import { printable, stdout } from "./terminal.ts";
import { ago } from "./when.ts";

const MOVES_SHOWN = 20;
const METRICS_SHOWN = 4;

export function modelsTable(models: readonly ModelHead[], nowMs: number): string {
  const rows = models.map(({ name, latestVersion, aliases, updatedAt, description }) => [
    printable(name),
    latestVersion === null ? "-" : String(latestVersion),
    printable(aliases.map(({ alias, version }) => `${alias}=${version}`).join(" ")) || "-",
    ago(updatedAt, nowMs),
    printable(description),
  ]);
  return renderTable(stdout, ["MODEL", "LATEST", "ALIASES", "CHANGED", "DESCRIPTION"], rows);
}

export function modelText(model: RegisteredModel, nowMs: number): string {
  const parts = [`${stdout.colors.bold(printable(model.name))}  ${printable(model.description)}`.trimEnd()];
  if (model.versions.length === 0) parts.push("no version yet");
  else parts.push(versionsTable(model.versions, nowMs));
  if (model.moves.length > 0) parts.push(movesTable(model.moves.slice(0, MOVES_SHOWN)));
  return parts.join("\n\n");
}

function versionsTable(versions: readonly ModelVersion[], nowMs: number): string {
  const rows = versions.map((one) => [
    String(one.version),
    printable(one.aliases.join(" ")) || "-",
    one.stage === "None" ? "-" : one.stage,
    one.digest?.slice(0, 19) ?? "-",
    metricsText(one.evaluations[0]?.metrics ?? one.metrics),
    one.lineage.runId?.slice(0, 8) ?? "-",
    ago(one.createdAt, nowMs),
    printable(one.createdBy) || "-",
  ]);
  return renderTable(stdout, ["VERSION", "ALIASES", "STAGE", "DIGEST", "METRICS", "RUN", "MADE", "BY"], rows);
}

function metricsText(metrics: Readonly<Record<string, number>>): string {
  const entries = Object.entries(metrics).slice(0, METRICS_SHOWN);
  return printable(entries.map(([name, value]) => `${name}=${Number(value.toPrecision(5))}`).join(" ")) || "-";
}

function movesTable(moves: readonly ModelMove[]): string {
  const rows = moves.map((move) => [
    move.at.toISOString(),
    printable(move.alias ?? "stage"),
    moveText(move),
    inColor(stdout.colors, move.kind === "refused" ? "refused" : move.overridden ? "overridden" : move.kind),
    printable(move.by) || "-",
    printable(move.reason ?? move.gates.find(({ passed }) => !passed)?.reason ?? ""),
  ]);
  return renderTable(stdout, ["AT", "ALIAS", "MOVE", "AS", "BY", "WHY"], rows);
}

function moveText({ kind, from, to, fromStage, toStage }: ModelMove): string {
  if (kind === "stage" || (kind === "refused" && toStage !== null)) return `${to}: ${fromStage} → ${toStage}`;
  return `${from ?? "-"} → ${to ?? "-"}`;
}

/** A line a gate. */
export function verdictsText(gates: readonly GateVerdict[]): string {
  return gates
    .map(({ gate, passed, reason, dataset }) => {
      const said = passed ? "passed" : "not passed";
      const why = reason === null ? "" : `: ${printable(reason)}`;
      return `  gate ${gate} ${said}${dataset === null ? "" : ` on ${printable(dataset)}`}${why}\n`;
    })
    .join("");
}
