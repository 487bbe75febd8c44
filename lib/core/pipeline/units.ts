// The notation belongs to the contract, so that the SDK reads it in the same way.
export { formatDuration, formatSize, parseCpus, parseDuration, parseSize, type Parsed } from "../../../proto/units.ts";
