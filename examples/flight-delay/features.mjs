// One row of numbers a flight, from what was known when its day began, and the part of the time split it is in.
import { csvFormat, csvParse } from "d3-dsv";
import { dayOf, hoursOf, weekdayOf } from "./calendar.mjs";
import { History } from "./history.mjs";
import { inputPath, intParam, outputPath, readText, write } from "./workspace.mjs";

/** Days whose flights are only history for later ones: before that there is too little to look back on. */
const WARM_UP_DAYS = 7;
const WEEK = 7;
const ALWAYS = 365;
/** Minutes. Later counts as this late in a mean: one flight of eight hours must not colour an airport's week. */
const DELAY_IN_MEAN_MAX = 180;
/** How many flights of its own an airport or route needs to count as much as what is expected of it. */
const WEIGHT = 15;

/** Taxi and climb, then cruise; slow on purpose, so that no outcome counts as known before the flight has landed. */
const hoursInTheAir = (miles) => 1 + miles / 400;

function readFlights() {
  return csvParse(readText(inputPath("flights", "flights.csv")), (row) => {
    const hours = hoursOf(row.date);
    const delay = Number(row.delay);
    const distance = Number(row.distance);
    const landed = hours + hoursInTheAir(distance) + Math.max(0, delay) / 60;
    const { origin, destination } = row;
    return {
      day: dayOf(row.date),
      hour: hours % 24,
      knownOnDay: Math.floor(landed / 24),
      delay,
      distance,
      origin,
      destination,
    };
  });
}

const KEYS = {
  network: () => "network",
  origin: ({ origin }) => `from ${origin}`,
  destination: ({ destination }) => `to ${destination}`,
  route: ({ origin, destination }) => `${origin} to ${destination}`,
  originPart: ({ origin, hour }) => `from ${origin} in part ${Math.floor(operatingHour(hour) / 4)} of the day`,
};
/** Airlines' days start at four: 01:00 is the tail of yesterday's troubles, not the freshness of the morning. */
const operatingHour = (hour) => (hour + 20) % 24;

function featuresOf(flight, history) {
  const { day, hour, distance } = flight;
  const mean = (kind, days, expected) => history.mean(KEYS[kind](flight), day, days, expected, WEIGHT);
  const networkEver = mean("network", ALWAYS, 0);
  const networkWeek = mean("network", WEEK, networkEver);
  const originEver = mean("origin", ALWAYS, networkEver);
  const destinationEver = mean("destination", ALWAYS, networkEver);
  const weekday = weekdayOf(day);
  return {
    operating_hour: operatingHour(hour),
    hour_sin: Math.sin((hour / 12) * Math.PI),
    hour_cos: Math.cos((hour / 12) * Math.PI),
    ...Object.fromEntries(
      ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map((name, index) => [name, Number(index === weekday)]),
    ),
    distance,
    distance_log: Math.log(distance),
    network_yesterday: mean("network", 1, networkWeek),
    network_week: networkWeek,
    origin_yesterday: mean("origin", 1, originEver),
    origin_week: mean("origin", WEEK, originEver),
    origin_ever: originEver,
    origin_part_ever: mean("originPart", ALWAYS, originEver),
    destination_yesterday: mean("destination", 1, destinationEver),
    destination_week: mean("destination", WEEK, destinationEver),
    destination_ever: destinationEver,
    route_ever: mean("route", ALWAYS, (originEver + destinationEver) / 2),
    origin_flights_week_log: Math.log1p(history.before(KEYS.origin(flight), day, WEEK).count),
    destination_flights_week_log: Math.log1p(history.before(KEYS.destination(flight), day, WEEK).count),
  };
}

const flights = readFlights();
const history = new History();
for (const flight of flights) {
  for (const keyOf of Object.values(KEYS))
    history.add(keyOf(flight), flight.knownOnDay, Math.min(flight.delay, DELAY_IN_MEAN_MAX));
}
console.log(`history of ${flights.length} flights gathered`);

const testFrom = flights.at(-1).day + 1 - 7 * intParam("test_weeks", 2);
const validationFrom = testFrom - 7 * intParam("validation_weeks", 2);
if (validationFrom <= WARM_UP_DAYS)
  throw new Error(
    `test_weeks and validation_weeks leave no days to train on: ${validationFrom} days are before them, and the first ${WARM_UP_DAYS} are warm-up`,
  );
const partOf = (day) =>
  day < WARM_UP_DAYS ? "warm-up" : day < validationFrom ? "train" : day < testFrom ? "validation" : "test";

// Six digits: more would be noise, and would let a library's last bit change the digest.
const short = (row) =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value.toPrecision(6))]));
const table = flights.map((flight) => ({
  part: partOf(flight.day),
  day: flight.day,
  delay: flight.delay,
  ...short(featuresOf(flight, history)),
}));
for (const part of ["warm-up", "train", "validation", "test"]) {
  console.log(`${part}: ${table.filter((row) => row.part === part).length} flights`);
}
console.log(`${Object.keys(table[0]).length - 3} features a flight`);
write(outputPath("table", "features.csv"), `${csvFormat(table)}\n`);
