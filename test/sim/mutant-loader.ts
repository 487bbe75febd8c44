import type { LoadHook } from "node:module";

type Located = { readonly url: string; readonly find: string; readonly replace: string };

/** A hook of Node's module loader: hands out the named modules with the named texts replaced. */
let patches: readonly Located[] = [];

export function initialize(given: readonly Located[]): void {
  patches = given;
}

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  const here = patches.filter((patch) => patch.url === url);
  if (here.length === 0) return loaded;
  const source = here.reduce((text, { find, replace }) => text.replaceAll(find, () => replace), textOf(loaded.source));
  return { ...loaded, source };
};

function textOf(source: string | ArrayBuffer | NodeJS.TypedArray | undefined): string {
  return typeof source === "string" ? source : new TextDecoder().decode(source);
}
