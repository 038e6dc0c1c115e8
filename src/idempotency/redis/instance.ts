import { randomBytes } from 'node:crypto';

const NAME_PREFIX = 'segops-api:';

/** A process, as the others know it. */
export class Instance {
  readonly id = randomBytes(8).toString('base64url');

  /** What Redis calls its connections. */
  get connectionName(): string {
    return NAME_PREFIX + this.id;
  }
}

/** The instances that have a connection. @param list what `CLIENT LIST` answers */
export function instancesIn(list: string): ReadonlySet<string> {
  return new Set([...list.matchAll(/ name=segops-api:(\S+)/g)].map(([, id = '']) => id));
}
