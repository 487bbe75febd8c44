/** The beginning of an answer, as text: a receiver may answer with anything, and as much as it likes. Rejects when the connection breaks off before. */
export async function readStart(response: Response, charsMax: number): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length >= charsMax) break;
  }
  return text.slice(0, charsMax);
}
