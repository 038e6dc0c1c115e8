import { Injectable } from '@nestjs/common';
import { noSuch, unavailable } from '../common/errors.js';
import { EventTransport, TransportUnavailableError } from '../transport/event-transport.js';

const RETRY_AFTER_SECONDS = 1;

/** Lets a tenant try its own dead letters once more. */
@Injectable()
export class DeadLetterReplay {
  constructor(private readonly transport: EventTransport) {}

  /**
   * Returns when the events of the dead letter are in the queue again.
   * @throws ApiError 404 when the tenant has no such dead letter, 503 when the queue cannot be asked
   */
  async replay(tenantId: string, id: string): Promise<void> {
    if (!(await this.tryReplay(tenantId, id))) {
      throw noSuch('There is no dead letter with this id. It may have been stored by an earlier replay.');
    }
  }

  private async tryReplay(tenantId: string, id: string): Promise<boolean> {
    const { deadLetters } = this.transport;
    try {
      const letter = await deadLetters.get(id);
      return letter?.tenantId === tenantId && (await deadLetters.replay(id));
    } catch (error) {
      throw error instanceof TransportUnavailableError
        ? unavailable('Dead letters cannot be replayed at the moment. Ask again.', RETRY_AFTER_SECONDS)
        : error;
    }
  }
}
