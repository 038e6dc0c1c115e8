import { freePort } from '../../src/embedded/ports.js';

/** A port of its own for each name. */
export async function freePorts(...names: readonly string[]): Promise<(name: string) => number> {
  const ports = new Set<number>();
  while (ports.size < names.length) ports.add(await freePort());
  const byName = new Map([...ports].map((port, i) => [names[i], port]));
  return (name) => {
    const port = byName.get(name);
    if (port === undefined) throw new Error(`No port was asked for ${name}.`);
    return port;
  };
}
