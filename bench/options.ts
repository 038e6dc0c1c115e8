import { parseArgs } from 'node:util';
import { DEPLOYMENTS } from '../test/crash/deployments.js';

/** A transport is measured when the crash test knows how to deploy it. */
export type TransportName = keyof typeof DEPLOYMENTS;

export const USAGE = `npm run bench -- [options]
  --only NAME,…          these figures only (--list names them)
  --transport NAME,…     these transports only: ${Object.keys(DEPLOYMENTS).join(', ')} (all)
  --full                 everything at full length: a soak of ten minutes, growth, 50 million events of stats
  --json FILE            where the result goes (bench/result.json)
  --profile FOLDER       leave CPU profiles of the processes of the service there; they cost some of what is measured
  --strict               exit with 1 when a bar is missed
  --list                 name the figures, and measure nothing`;

export interface CommandLine {
  readonly only: readonly string[] | undefined;
  readonly transports: readonly [TransportName, ...TransportName[]];
  readonly full: boolean;
  readonly json: string;
  readonly profile: string | undefined;
  readonly strict: boolean;
  readonly list: boolean;
}

/** @throws Error that names the option and what it takes */
export function readOptions(args: readonly string[], figureNames: readonly string[]): CommandLine {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      transport: { type: 'string', default: Object.keys(DEPLOYMENTS).join(',') },
      full: { type: 'boolean', default: false },
      json: { type: 'string', default: 'bench/result.json' },
      profile: { type: 'string' },
      strict: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  });
  const only = values.only?.split(',');
  const unknown = only?.find((name) => !figureNames.includes(name));
  if (unknown !== undefined) throw new Error(`--only takes some of: ${figureNames.join(', ')}`);
  const [first, ...others] = values.transport.split(',').filter(isTransport);
  if (first === undefined || others.length + 1 !== values.transport.split(',').length) {
    throw new Error(`--transport takes some of: ${Object.keys(DEPLOYMENTS).join(', ')}`);
  }
  const { full, json, profile, strict, list } = values;
  return { only, transports: [first, ...others], full, json, profile, strict, list };
}

function isTransport(name: string): name is TransportName {
  return Object.hasOwn(DEPLOYMENTS, name);
}
