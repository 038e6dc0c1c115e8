import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import type { Figure } from './figure.js';
import { FIGURES } from './figures.js';
import { type CommandLine, readOptions, type TransportName, USAGE } from './options.js';
import type { BenchReport, FigureReport } from './report/bench.report.js';
import { describeProfiles } from './report/describe-profiles.js';
import { describeReport, describeTables, missedBars } from './report/print.js';
import { writeJson } from './report/write-json.js';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<number> {
  const names = FIGURES.map(({ name }) => name);
  if (process.argv.includes('--help')) {
    say(USAGE);
    return 0;
  }
  let options: CommandLine;
  try {
    options = readOptions(process.argv.slice(2), names);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}\n`);
    return 1;
  }
  if (options.list) {
    for (const { name, runs } of FIGURES) say(`${name.padEnd(24)}${runs}`);
    return 0;
  }
  const report = await measureAll(options);
  say(describeReport(report));
  writeJson(options.json, report);
  say(`Written to ${options.json}.`);
  return options.strict && missedBars(report.figures) > 0 ? 1 : 0;
}

async function measureAll(options: CommandLine): Promise<BenchReport> {
  const startedAt = new Date();
  const figures: FigureReport[] = [];
  for (const figure of FIGURES.filter((candidate) => isAskedFor(candidate, options))) {
    for (const transport of figure.perTransport ? options.transports : [options.transports[0]]) {
      const report = await measureOne(figure, transport, options);
      figures.push(report);
      if (report.tables.length > 0) say(describeTables(report));
    }
  }
  const [cpu] = cpus();
  return {
    startedAt: startedAt.toISOString(),
    seconds: (Date.now() - startedAt.getTime()) / 1_000,
    machine: {
      cpus: cpus().length,
      cpu: cpu?.model.trim() ?? 'unknown',
      memoryGb: Math.round(totalmem() / 2 ** 30),
      node: process.versions.node,
    },
    full: options.full,
    figures,
  };
}

/** A figure that fails is void, and the others are measured all the same. */
async function measureOne(figure: Figure, transport: TransportName, options: CommandLine): Promise<FigureReport> {
  const { name, perTransport } = figure;
  const of = perTransport ? ` (${transport})` : '';
  const folder = mkdtempSync(join(tmpdir(), 'segops-bench-'));
  const about = { figure: name, transport: perTransport ? transport : undefined };
  const profileFolder = profileFolderOf(options, name, transport);
  say(`… ${name}${of}`);
  try {
    const { measurements, tables = [] } = await figure.measure({
      transport,
      full: options.full,
      folder,
      profileFolder,
      say: (text) => {
        say(`  ${text}`);
      },
    });
    const profiles = profileFolder === undefined ? [] : describeProfiles(profileFolder);
    return { ...about, measurements, tables: [...tables, ...profiles], failure: undefined };
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    say(`  VOID: ${error instanceof Error ? (error.stack ?? failure) : failure}`);
    return { ...about, measurements: [], tables: [], failure };
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function profileFolderOf({ profile }: CommandLine, figure: string, transport: string): string | undefined {
  if (profile === undefined) return undefined;
  const folder = resolve(profile, `${figure}-${transport}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

function isAskedFor({ name, runs }: Figure, { only, full }: CommandLine): boolean {
  return only === undefined ? runs === 'default' || (runs === 'full' && full) : only.includes(name);
}

main().then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    process.stderr.write(`bench: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
