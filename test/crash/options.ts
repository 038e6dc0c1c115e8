import { parseArgs } from 'node:util';
import { DEPLOYMENTS } from './deployments.js';

export const USAGE = `npm run test:crash -- [options]
  --transport bullmq|pubsub|spool   what is put to the test (bullmq)
  --rounds N                 how often the whole set of crashes is gone through (2)
  --seconds N                ends after the crash in which so many seconds have passed, instead of after a number of sets
  --rate N                   events a second that clients send (2000)
  --apis N                   processes that take events, with a broker (1; more need PostgreSQL)
  --workers N                processes that store events, with a broker (1)
  --outage N                 instead of all that, the broker is away once for N seconds, and every request has to be accepted
  --short                    the quick version that is part of npm test`;

export interface CommandLine {
  readonly transport: keyof typeof DEPLOYMENTS;
  readonly sets: number;
  readonly seconds: number | undefined;
  readonly eventsPerSecond: number;
  readonly apis: number;
  readonly workers: number;
  /** In seconds. */
  readonly outage: number | undefined;
  readonly short: boolean;
}

/** @throws Error that names the option and what it takes */
export function readOptions(args: readonly string[]): CommandLine {
  const { values } = parseArgs({
    args: [...args],
    options: {
      transport: { type: 'string', default: 'bullmq' },
      rounds: { type: 'string', default: '2' },
      seconds: { type: 'string' },
      rate: { type: 'string', default: '2000' },
      apis: { type: 'string', default: '1' },
      workers: { type: 'string', default: '1' },
      outage: { type: 'string' },
      short: { type: 'boolean', default: false },
    },
  });
  const { transport } = values;
  if (!isTransport(transport)) throw new Error(`--transport is one of: ${Object.keys(DEPLOYMENTS).join(', ')}`);
  return {
    transport,
    sets: positive('rounds', values.rounds),
    seconds: values.seconds === undefined ? undefined : positive('seconds', values.seconds),
    eventsPerSecond: positive('rate', values.rate),
    apis: positive('apis', values.apis),
    workers: positive('workers', values.workers),
    outage: values.outage === undefined ? undefined : positive('outage', values.outage),
    short: values.short,
  };
}

function isTransport(name: string): name is keyof typeof DEPLOYMENTS {
  return Object.hasOwn(DEPLOYMENTS, name);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} is a whole number from 1 on`);
  return value;
}
