/** Reads a list to its end by the links to its next pages: how many bytes each page had, and the entries of all. */
export async function pagesOf(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ pages: number[]; entries: Readonly<Record<string, unknown>>[] }> {
  const pages: number[] = [];
  const entries: Readonly<Record<string, unknown>>[] = [];
  for (let next: string | undefined = url; next !== undefined;) {
    const response: Response = await fetch(next, { headers });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${response.status} ${text}`);
    pages.push(Buffer.byteLength(text));
    entries.push(...(JSON.parse(text) as typeof entries));
    const link = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
    next = link === undefined ? undefined : new URL(link, response.url).href;
  }
  return { pages, entries };
}
