import { Injectable } from '@nestjs/common';

/** Tells where the windows end; a provider, so that a test can stand at a bucket's edge. */
@Injectable()
export class StatsClock {
  now(): Date {
    return new Date();
  }
}
