import { readOptions, USAGE, type CommandLine } from './options.js';
import { faultsOf } from './faults.js';
import { describeReport, describeRound, ROUND_HEADER } from './print.js';
import type { Round } from './round.js';
import { longRounds, shortRounds } from './rounds.js';
import { runCrashTest } from './run-crash-test.js';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<number> {
  if (process.argv.includes('--help')) {
    say(USAGE);
    return 0;
  }
  let options: CommandLine;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}\n`);
    return 1;
  }
  say(`Crash test of ${options.transport}, ${options.eventsPerSecond} events/s\n`);
  say(ROUND_HEADER);
  let unanswered = 0;
  const report = await runCrashTest({
    ...options,
    rounds: (names) => roundsOf(names, options),
    onRound: (round) => {
      say(describeRound(round));
      unanswered += round.unavailable + round.connectionErrors + round.timeouts;
    },
    onPhase: (phase) => {
      say(`… ${phase}`);
    },
  });
  say(describeReport(report));
  if (options.outage !== undefined && unanswered > 0) {
    say(`FAILED: ${unanswered} requests were not accepted at once`);
    return 1;
  }
  return faultsOf(report).length === 0 ? 0 : 1;
}

function* roundsOf(
  names: readonly string[],
  { transport, short, sets, seconds, outage }: CommandLine,
): Iterable<Round> {
  if (outage !== undefined) {
    yield { what: 'kill', parts: [transport === 'pubsub' ? 'pubsub' : 'redis'], forMs: outage * 1_000 };
    return;
  }
  if (short) {
    yield* shortRounds(names);
    return;
  }
  const startedAt = Date.now();
  for (let set = 0; seconds !== undefined || set < sets; set++) {
    for (const round of longRounds(names, set)) {
      if (seconds !== undefined && Date.now() - startedAt > seconds * 1_000) return;
      yield round;
    }
  }
}

main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    process.stderr.write(`test:crash: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
