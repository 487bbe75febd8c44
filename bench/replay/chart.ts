import type { Replayed } from "./replay.ts";
import { waitsOf } from "./figures.ts";

/** Okabe and Ito's palette, told apart by eyes that confuse colours; past it the same with dashes. */
const COLOURS = ["#000000", "#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#0072B2", "#D55E00", "#8C7A00"];
const WIDTH = 900;
const LEFT = 70;
const RIGHT = 24;
const PANEL_HEIGHT = 230;
const PANEL_STEP = 310;
const LEGEND_COLUMNS = 4;
const LEGEND_ROW = 20;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

type Point = readonly [x: number, y: number];

interface Panel {
  readonly title: string;
  readonly xLabel: string;
  readonly xTicks: readonly { readonly at: number; readonly text: string }[];
  /** Of the y axis, from 0. */
  readonly yMax: number;
  /** In units of the axes' whole lengths: 0 to 1 each. One a policy. */
  readonly lines: readonly (readonly Point[])[];
}

/** Waits, utilisation and fragmentation of each policy, as one SVG. */
export function chartOf(title: string, replayed: readonly Replayed[]): string {
  const panels = [waitPanel(replayed), ...timePanels(replayed)];
  const top = 62 + LEGEND_ROW * Math.ceil(replayed.length / LEGEND_COLUMNS);
  const height = top + panels.length * PANEL_STEP;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="${LEFT}" y="28" font-size="16" font-weight="bold">${escape(title)}</text>`,
    ...replayed.map(({ policy }, i) => legend(policy, i)),
    ...panels.map((panel, i) => draw(panel, top + i * PANEL_STEP)),
    "</svg>",
    "",
  ].join("\n");
}

function waitPanel(replayed: readonly Replayed[]): Panel {
  const waits = replayed.map(({ runs }) => waitsOf(runs));
  const longest = Math.max(10_000, ...waits.map((sorted) => sorted.at(-1)!));
  const decades = Math.log10(longest / 1000);
  return {
    title: "Jobs that waited at most so long",
    xLabel: "wait (logarithmic; under 1 s counts as 1 s)",
    xTicks: WAIT_TICKS.filter(({ ms }) => ms <= longest).map(({ ms, text }) => ({
      at: Math.log10(ms / 1000) / decades,
      text,
    })),
    yMax: 1,
    lines: waits.map((sorted) => {
      let at = 0;
      return Array.from({ length: 201 }, (_, i): Point => {
        const ms = 1000 * 10 ** ((decades * i) / 200);
        while (at < sorted.length && sorted[at]! <= ms * 1.000001) at += 1;
        return [i / 200, at / sorted.length];
      });
    }),
  };
}

const WAIT_TICKS = [
  { ms: 1000, text: "1 s" },
  { ms: 10_000, text: "10 s" },
  { ms: 60_000, text: "1 min" },
  { ms: 600_000, text: "10 min" },
  { ms: HOUR_MS, text: "1 h" },
  { ms: 6 * HOUR_MS, text: "6 h" },
  { ms: DAY_MS, text: "1 d" },
  { ms: 7 * DAY_MS, text: "1 week" },
  { ms: 30 * DAY_MS, text: "30 d" },
  { ms: 100 * DAY_MS, text: "100 d" },
];

function timePanels(replayed: readonly Replayed[]): Panel[] {
  const { fromMs, toMs } = replayed[0]!.measured;
  const inDays = toMs - fromMs > 3 * DAY_MS;
  const unitMs = inDays ? DAY_MS : HOUR_MS;
  const length = (toMs - fromMs) / unitMs;
  const step = niceStep(length / 8);
  const xTicks = Array.from({ length: Math.floor(length / step) + 1 }, (_, i) => ({
    at: (i * step) / length,
    text: String(Number((i * step).toPrecision(6))),
  }));
  const xLabel = `${inDays ? "days" : "hours"} since the loaded interval began`;
  const line = (curve: readonly number[], yMax: number): Point[] =>
    curve.map((y, i): Point => [(i + 0.5) / curve.length, y / yMax]);
  const fragments = replayed.map(({ measured }) => measured.fragmentationCurve);
  const most = Math.max(0.01, ...fragments.flat());
  const yMax = Math.min(1, Math.ceil(most * 20) / 20);
  return [
    {
      title: "GPUs allocated, share of all",
      xLabel,
      xTicks,
      yMax: 1,
      lines: replayed.map(({ measured }) => line(measured.utilisationCurve, 1)),
    },
    {
      title: "GPUs free that the next typical job could not use, share of all (FGD's fragmentation)",
      xLabel,
      xTicks,
      yMax,
      lines: fragments.map((curve) => line(curve, yMax)),
    },
  ];
}

/** 1, 2 or 5 times a power of ten, at least so much. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1e-9)));
  return [1, 2, 5, 10].map((times) => times * power).find((step) => step >= least)!;
}

function legend(policy: string, i: number): string {
  const x = LEFT + (i % LEGEND_COLUMNS) * 200;
  const y = 50 + LEGEND_ROW * Math.floor(i / LEGEND_COLUMNS);
  return `<line x1="${x}" x2="${x + 28}" y1="${y}" y2="${y}" ${stroke(i)}/><text x="${x + 35}" y="${y + 4}">${escape(policy)}</text>`;
}

function stroke(i: number): string {
  const dash = i < COLOURS.length ? "" : ` stroke-dasharray="6 3"`;
  return `fill="none" stroke="${COLOURS[i % COLOURS.length]}" stroke-width="${i === 0 ? 2.4 : 1.5}"${dash}`;
}

function draw({ title, xLabel, xTicks, yMax, lines }: Panel, top: number): string {
  const width = WIDTH - LEFT - RIGHT;
  const bottom = top + 20 + PANEL_HEIGHT;
  const x = (at: number): number => Math.round((LEFT + at * width) * 10) / 10;
  const y = (at: number): number => Math.round((bottom - Math.min(1, at) * PANEL_HEIGHT) * 10) / 10;
  const yTicks = [0, 0.25, 0.5, 0.75, 1].map(
    (at) =>
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(at)}" y2="${y(at)}" stroke="#ddd"/>` +
      `<text x="${LEFT - 8}" y="${y(at) + 4}" text-anchor="end">${percent(at * yMax)}</text>`,
  );
  const ticks = xTicks.map(
    ({ at, text }) =>
      `<line x1="${x(at)}" x2="${x(at)}" y1="${bottom}" y2="${bottom + 5}" stroke="#333"/>` +
      `<text x="${x(at)}" y="${bottom + 19}" text-anchor="middle">${text}</text>`,
  );
  const paths = lines.map((points, i) => {
    const d = points.map(([px, py]) => `${x(px)},${y(py)}`).join(" ");
    return `<polyline points="${d}" ${stroke(i)}/>`;
  });
  return [
    `<text x="${LEFT}" y="${top + 8}" font-weight="bold">${escape(title)}</text>`,
    ...yTicks,
    ...ticks,
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${bottom}" y2="${bottom}" stroke="#333"/>`,
    `<text x="${LEFT + width / 2}" y="${bottom + 38}" text-anchor="middle">${escape(xLabel)}</text>`,
    // The first policy lies on top.
    ...paths.toReversed(),
  ].join("\n");
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
