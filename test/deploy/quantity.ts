const UNITS: Readonly<Record<string, number>> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };

/** The bytes of a quantity as Kubernetes writes it, `2Gi` for example. */
export function bytesOf(quantity: string | number | undefined): number {
  const [, digits, unit] = /^(\d+)([KMGT]i)$/.exec(String(quantity)) ?? [];
  const factor = UNITS[unit ?? ''];
  if (factor === undefined) throw new Error(`${String(quantity)} is no quantity of bytes.`);
  return Number(digits) * factor;
}
