import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport';
import type { Principal } from './principal.js';

type Done = (error: unknown, principal?: Principal | null) => void;

/** What Passport runs: asks `validate`, and lets the next strategy try when that knows no principal. */
class HeaderStrategy extends Strategy {
  constructor(
    override readonly name: string,
    private readonly check: (request: FastifyRequest, done: Done) => void,
  ) {
    super();
  }

  override authenticate(this: this & { error: (error: unknown) => void }, request: unknown): void {
    this.check(request as FastifyRequest, (error, principal) => {
      if (error !== null) this.error(error);
      else if (principal) this.success(principal);
      else this.fail(401);
    });
  }
}

let created = 0;

/** One way to carry a credential. Registers itself with Passport when it is made. */
export abstract class CredentialStrategy extends PassportStrategy(HeaderStrategy) {
  /** Passport has one registry a process; the number keeps applications in one process apart, as in tests. */
  constructor(credential: string) {
    super(`${credential}-${++created}`);
  }

  /**
   * The principal whose credential the request carries; `null` when it carries none of this strategy's kind.
   * @throws ApiError 401 for a credential that is not valid, 503 for one that cannot be checked now: an outage of ours
   * must not look like a wrong key, because clients drop their events on a 4xx
   */
  abstract override validate(request: FastifyRequest): Promise<Principal | null>;
}
