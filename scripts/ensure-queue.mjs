import { advice, installRedis } from './ensure-redis.mjs';
import { fail } from './step.mjs';

/**
 * Makes sure that `npm start` has a queue: Redis, or the spool where there cannot be one and nobody asked for it. Sets
 * TRANSPORT in that case, and says so. Redis of the operator's own (REDIS_URL) is taken to be there; a TRANSPORT that is
 * neither is for the service's settings to refuse, before anything is installed.
 */
export function ensureQueue() {
  const { TRANSPORT: transport = '', REDIS_URL: redisUrl = '' } = process.env;
  if (redisUrl.trim() !== '' || !['', 'bullmq', 'pubsub'].includes(transport.trim())) return;
  const problem = installRedis();
  if (problem === undefined) return;
  if (transport.trim() !== '') {
    fail(
      `TRANSPORT=${transport.trim()} needs Redis. ${problem} ${advice()}   Or set REDIS_URL to a Redis of your own.`,
    );
  }
  console.log(`${problem} Events are queued on local disk instead (TRANSPORT=spool). For Redis: ${advice()}`);
  process.env.TRANSPORT = 'spool';
}
