// What was known about past delays when a day began. Outcomes are added with the day on which they became known, and
// are read for the days before only: nothing that a flight of that day could not have known gets in.
export class History {
  #keys = new Map(); // key → days: array of { count, sum }, with holes

  add(key, day, delay) {
    if (!this.#keys.has(key)) this.#keys.set(key, []);
    const days = this.#keys.get(key);
    days[day] ??= { count: 0, sum: 0 };
    days[day].count += 1;
    days[day].sum += delay;
  }

  /** Number of outcomes, and their sum in minutes, over the `length` days that end with the day before `day`. */
  before(key, day, length) {
    const days = this.#keys.get(key) ?? [];
    const total = { count: 0, sum: 0 };
    for (let past = Math.max(0, day - length); past < day; past++) {
      total.count += days[past]?.count ?? 0;
      total.sum += days[past]?.sum ?? 0;
    }
    return total;
  }

  /** Mean over those days, drawn towards `expected` as if `weight` more flights had been that late. */
  mean(key, day, length, expected, weight) {
    const { count, sum } = this.before(key, day, length);
    return (sum + expected * weight) / (count + weight);
  }
}
