import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/** Whether new requests are welcome: until shutdown starts. Independent of everything outside this process. */
@Injectable()
export class Readiness implements OnModuleDestroy {
  private shuttingDown = false;

  get isReady(): boolean {
    return !this.shuttingDown;
  }

  /** The first hook of Nest's shutdown, while connections are still served. */
  onModuleDestroy(): void {
    this.shuttingDown = true;
  }
}
