export const UUID_BYTES = 16;

/**
 * ClickHouse keeps a UUID as two little-endian 64-bit halves: each half of the usual order reversed.
 * @param id the UUID's 16 bytes in their usual order
 */
export function writeUuid(rows: Uint8Array, offset: number, id: Uint8Array): void {
  for (let i = 0; i < 8; i++) {
    rows[offset + i] = id[7 - i] ?? 0;
    rows[offset + 8 + i] = id[15 - i] ?? 0;
  }
}

/** The 16 bytes in their usual order. */
export function readUuid(rows: Uint8Array, offset: number): Uint8Array {
  const id = new Uint8Array(UUID_BYTES);
  // Reversing the halves twice leaves them as they were.
  writeUuid(id, 0, rows.subarray(offset, offset + UUID_BYTES));
  return id;
}
