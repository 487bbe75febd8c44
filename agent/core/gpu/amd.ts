import { type GpuDevice, type GpuReading, type GpuUsage, MIB, readNumber, readText } from "./device.ts";

type Json = Readonly<Record<string, unknown>>;

export const AMD_SMI_STATIC = ["static", "--asic", "--bus", "--vram", "--driver", "--json"];
/** Some versions crash on --driver. */
export const AMD_SMI_STATIC_PLAIN = ["static", "--asic", "--bus", "--vram", "--json"];
export const AMD_SMI_METRIC = ["metric", "--usage", "--power", "--temperature", "--mem-usage", "--json"];
const ROCM_SMI_COMMON = [
  "--showuniqueid",
  "--showbus",
  "--showmeminfo",
  "vram",
  "--showuse",
  "--showtemp",
  "--showpower",
];
export const ROCM_SMI = [...ROCM_SMI_COMMON, "--showdriverversion", "--showproductname", "--json"];
/** Some versions crash on --showproductname. */
export const ROCM_SMI_PLAIN = [...ROCM_SMI_COMMON, "--json"];

/**
 * The JSON of `amd-smi static` and `amd-smi metric`: an array, or since ROCm 7 an object with the array under `gpu_data`.
 * Undefined when it is neither. The uuid is the form that ROCR_VISIBLE_DEVICES takes: GPU- and 16 hex digits of the serial.
 */
export function parseAmdSmi(staticJson: string, metricJson: string): GpuReading | undefined {
  const cards = gpuArray(staticJson);
  if (!cards) return undefined;
  const metrics = gpuArray(metricJson) ?? [];
  const devices: GpuDevice[] = [];
  const usage: GpuUsage[] = [];
  for (const [position, card] of cards.entries()) {
    const asic = object(card["asic"]);
    const uuid = amdUuid(asic["asic_serial"]);
    // Without a serial it is the graphics part of a CPU: no task can be pinned to it.
    if (uuid === undefined) continue;
    const index = readNumber(card["gpu"]) ?? position;
    devices.push({
      uuid,
      index,
      vendor: "amd",
      model: readText(asic["market_name"]),
      memoryBytes: bytesOf(object(card["vram"])["size"]),
      computeCapability: readText(asic["target_graphics_version"]),
      driver: readText(object(card["driver"])["version"]),
      pciBus: readText(object(card["bus"])["bdf"]),
      migMode: "",
      migProfile: "",
      eccMode: "",
      healthy: true,
      healthMessage: "",
    });
    const metric = metrics.find((other) => readNumber(other["gpu"]) === index);
    usage.push(metric ? amdSmiUsage(uuid, metric) : { uuid, xids: [] });
  }
  return { devices, usage, processes: [], lost: [] };
}

function amdSmiUsage(uuid: string, metric: Json): GpuUsage {
  const power = object(metric["power"]);
  const temperature = object(metric["temperature"]);
  const memory = object(metric["mem_usage"])["used_vram"];
  return usageFrom(uuid, {
    utilization: quantity(object(metric["usage"])["gfx_activity"]),
    memoryBytes: quantity(memory) === undefined ? undefined : bytesOf(memory),
    temperature: quantity(temperature["hotspot"]) ?? quantity(temperature["edge"]),
    power: quantity(power["socket_power"]) ?? quantity(power["average_socket_power"]),
  });
}

/** The JSON of `rocm-smi`: an object with a member `card0` … for each card, and maybe `system`. Undefined when it is none. */
export function parseRocmSmi(json: string): GpuReading | undefined {
  const root = parseJson(json);
  if (!isObject(root)) return undefined;
  const devices: GpuDevice[] = [];
  const usage: GpuUsage[] = [];
  const driver = readText(object(root["system"])["Driver version"]);
  for (const [name, value] of Object.entries(root)) {
    const match = /^card(\d+)$/.exec(name);
    if (!match) continue;
    const card = withLowerCaseKeys(object(value));
    const uuid = amdUuid(card["unique id"]);
    if (uuid === undefined) continue;
    devices.push({
      uuid,
      index: Number(match[1]),
      vendor: "amd",
      model: readText(card["card series"]) || readText(card["device name"]) || readText(card["card model"]),
      memoryBytes: readNumber(card["vram total memory (b)"]) ?? 0,
      computeCapability: readText(card["gfx version"]),
      driver,
      pciBus: readText(card["pci bus"]),
      migMode: "",
      migProfile: "",
      eccMode: "",
      healthy: true,
      healthMessage: "",
    });
    usage.push(
      usageFrom(uuid, {
        utilization: readNumber(card["gpu use (%)"]),
        memoryBytes: readNumber(card["vram total used memory (b)"]),
        temperature:
          readNumber(card["temperature (sensor junction) (c)"]) ?? readNumber(card["temperature (sensor edge) (c)"]),
        power:
          readNumber(card["average graphics package power (w)"]) ??
          readNumber(card["current socket graphics package power (w)"]),
      }),
    );
  }
  return { devices, usage, processes: [], lost: [] };
}

function usageFrom(
  uuid: string,
  read: Readonly<Record<"utilization" | "memoryBytes" | "temperature" | "power", number | undefined>>,
): GpuUsage {
  return {
    uuid,
    ...(read.utilization === undefined ? {} : { utilizationFraction: read.utilization / 100 }),
    ...(read.memoryBytes === undefined ? {} : { memoryBytesUsed: read.memoryBytes }),
    ...(read.temperature === undefined ? {} : { temperatureCelsius: read.temperature }),
    ...(read.power === undefined ? {} : { powerWatts: read.power }),
    xids: [],
  };
}

function amdUuid(serial: unknown): string | undefined {
  const match = /^(?:0x)?([0-9a-f]{1,16})$/i.exec(readText(serial));
  return match ? `GPU-${match[1]!.toLowerCase().padStart(16, "0")}` : undefined;
}

/** A number, "42 W", or { value: 42, unit: "W" }. */
function quantity(value: unknown): number | undefined {
  return readNumber(isObject(value) ? value["value"] : value);
}

/** The same in bytes; the unit is MB, by which amd-smi means MiB, unless it says otherwise. */
function bytesOf(value: unknown): number {
  const written = isObject(value) ? readText(value["unit"]) : /[A-Z]+$/i.exec(readText(value))?.[0];
  const unit = written === undefined || written === "" ? "MB" : written;
  const factor = /^g/i.test(unit) ? 1024 * MIB : /^k/i.test(unit) ? 1024 : /^b/i.test(unit) ? 1 : MIB;
  return (quantity(value) ?? 0) * factor;
}

function gpuArray(json: string): Json[] | undefined {
  const root = parseJson(json);
  const array = isObject(root) ? root["gpu_data"] : root;
  return Array.isArray(array) ? array.filter(isObject) : undefined;
}

/** Tools print warnings before the JSON. */
function parseJson(text: string): unknown {
  const start = text.search(/^[[{]/m);
  if (start < 0) return undefined;
  try {
    return JSON.parse(text.slice(start)) as unknown;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function object(value: unknown): Json {
  return isObject(value) ? value : {};
}

function withLowerCaseKeys(value: Json): Json {
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key.toLowerCase(), one]));
}
