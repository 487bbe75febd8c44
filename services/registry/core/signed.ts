/**
 * What a signature of a version is made over (ed25519, RFC 8032): lines, so that any language can write them. The uid names the
 * version also when its model is renamed, and the digest its bytes.
 */
export function signedText(version: { readonly uid: string; readonly digest: string }): string {
  return `weft model version v1\n${version.uid}\n${version.digest}\n`;
}
