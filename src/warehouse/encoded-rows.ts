/** Rows of events, one after the other, as {@link EventRowEncoder} writes them. */
export interface EncodedRows {
  readonly bytes: Buffer;
  readonly events: number;
}
