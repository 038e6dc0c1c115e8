import { Injectable } from '@nestjs/common';

/** Tells which month it is; a provider, so that a test can turn the page. */
@Injectable()
export class QuotaClock {
  now(): Date {
    return new Date();
  }
}
