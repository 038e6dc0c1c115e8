/** The snake_case name nearest to what was sent, such as `page_viewed` for `Page Viewed`; undefined when there is none. */
export function proposeEventType(sent: string): string | undefined {
  const proposal = sent
    .slice(0, 200)
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[^a-z]+|_+$/g, '')
    .slice(0, 100);
  return proposal === '' ? undefined : proposal;
}
