import { Injectable } from '@nestjs/common';

/** Whether new requests are welcome: until shutdown starts. Independent of everything outside this process. */
@Injectable()
export class Readiness {
  private hasEnded = false;

  get isReady(): boolean {
    return !this.hasEnded;
  }

  /** For good: requests are still served, but should go elsewhere. */
  end(): void {
    this.hasEnded = true;
  }
}
