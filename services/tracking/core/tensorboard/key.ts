/** What `add_hparams` names its folder: the time in seconds. */
const HPARAMS_FOLDER = /^\d+\.\d+$/;

/**
 * The name in the run of what an event file in `folder` (relative to the run's, "" for that itself) has under `tag`.
 *
 * Writers make sub-folders for what belongs to one run: `add_scalars("g", { a, b })` writes the tag `g` into `g_a`, `g_b`
 * (torch) or `g/a`, `g/b` (tensorboardX), which become `g/a` and `g/b`; `add_hparams` writes into a folder named by the
 * time, which says nothing; Keras has `train` and `validation`, which go before the tag.
 */
export function keyOf(folder: string, tag: string): string {
  const parts = folder.split("/").filter((part) => part !== "" && part !== "." && !HPARAMS_FOLDER.test(part));
  const path = parts.join("/");
  if (path === "") return tag;
  for (const start of [`${tag}/`, `${tag.replaceAll("/", "_")}_`]) {
    if (path.startsWith(start)) return `${tag}/${path.slice(start.length)}`;
  }
  return `${path}/${tag}`;
}
