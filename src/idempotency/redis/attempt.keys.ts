/**
 * Where attempts are in Redis:
 *
 * - `serving:<instance>`, a hash: fingerprint → the notes of the attempts that the instance is serving, one after the other
 * - `broken:<fingerprint>`, a hash: seed → `D` or `-`, then when it broke, in ms by Redis's own clock
 * - `index`, a sorted set: the fingerprints that have something to take over, by when the last of it broke
 * - `instances`, a sorted set: the instances, by when they were last seen
 * - `count` and `count:<tenant>`: how many broke within a life
 * - the channel `changes`: a fingerprint under which there is now something to take over
 *
 * All but `instances`, which forgets after a day, expire with the last note in them.
 */
export class AttemptKeys {
  readonly index: string;
  readonly instances: string;
  readonly count: string;
  readonly changes: string;
  /** Before a fingerprint. */
  readonly broken: string;

  constructor(private readonly prefix: string) {
    this.index = this.key('index');
    this.instances = this.key('instances');
    this.count = this.key('count');
    this.changes = this.key('changes');
    this.broken = this.key('broken:');
  }

  servingOf(instance: string): string {
    return this.key(`serving:${instance}`);
  }

  brokenOf(fingerprint: string): string {
    return this.broken + fingerprint;
  }

  countOf(tenantId: string): string {
    return this.key(`count:${tenantId}`);
  }

  private key(name: string): string {
    return `${this.prefix}:attempts:${name}`;
  }
}
