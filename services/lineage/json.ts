/**
 * JSON that Postgres takes whatever the strings hold: it refuses U+0000 and halves of surrogate pairs, which a task can
 * print into a message or be given as a value, and one such row would hold up every batch it is in. Both become U+FFFD.
 */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value);
  // JSON.stringify writes both as \u escapes, so their absence is quickly seen.
  if (!/\\u(0000|d[89a-f])/i.test(text)) return text;
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === "string" ? clean(part) : part));
}

function clean(text: string): string {
  return text.replace(/\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}
