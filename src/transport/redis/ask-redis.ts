import type { Redis } from 'ioredis';
import { withDeadline } from '../../common/deadline.js';
import { TransportUnavailableError } from '../event-transport.js';

/**
 * The answer to a question that cannot wait until Redis is back, as BullMQ itself would.
 * @param what completes "Redis cannot …"
 * @throws TransportUnavailableError at once without a connection, and after `timeoutMs` without an answer
 */
export async function askRedis<T>(
  connection: Redis,
  what: string,
  timeoutMs: number,
  question: () => Promise<T>,
): Promise<T> {
  if (connection.status !== 'ready') {
    throw new TransportUnavailableError(`Redis cannot ${what}: not connected`);
  }
  try {
    return await withDeadline(question(), timeoutMs, () => new Error(`no answer within ${timeoutMs} ms`));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TransportUnavailableError(`Redis cannot ${what}: ${reason}`, { cause, mayBeDone: !isAnswer(cause) });
  }
}

/** Whether Redis itself said no, and did nothing. */
export function isAnswer(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}
