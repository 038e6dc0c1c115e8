import { getMetadataStorage } from 'class-validator';
import { acceptedValueOf } from './accepted-value.js';
import { Configuration } from './configuration.js';
import { type SettingDefinition, settingsOf } from './setting.decorator.js';

const START = '<!-- settings:start -->';
const END = '<!-- settings:end -->';

const defaults = new Configuration();

/** The text of `.env.example`: required settings as lines to fill in, all others commented out. */
export function renderEnvExample(): string {
  const head = '# Copy to .env and adapt. A commented line shows the default, or an example where there is none.\n';
  const entries = settingsOf(Configuration).map((setting) =>
    [
      `# ${withoutMarkup(setting.describe)}`,
      `# It ${expectationOf(setting)}.`,
      `${isRequired(setting) ? '' : '# '}${setting.env}=${acceptedValueOf(setting)}\n`,
    ].join('\n'),
  );
  return [head, ...entries].join('\n');
}

/** The settings as a Markdown table. */
export function renderSettingsTable(): string {
  const rows = settingsOf(Configuration).map((setting) => [
    `\`${setting.env}\``,
    isRequired(setting) ? 'required' : defaultOf(setting),
    `${setting.describe} It ${expectationOf(setting)}.`,
  ]);
  return layOut([['variable', 'default', 'meaning'], ...rows]);
}

/**
 * `readme` with the settings table between its markers replaced by the current one.
 * @throws Error when a marker is missing.
 */
export function replaceSettingsTable(readme: string): string {
  const start = readme.indexOf(START);
  const end = readme.indexOf(END);
  if (start < 0 || end < start) {
    throw new Error(`README.md has no place for the settings: add the lines ${START} and ${END} where they belong.`);
  }
  return `${readme.slice(0, start + START.length)}\n\n${renderSettingsTable()}\n\n${readme.slice(end)}`;
}

function valueOf({ property }: SettingDefinition): unknown {
  return defaults[property as keyof Configuration];
}

function isRequired(setting: SettingDefinition): boolean {
  return valueOf(setting) === '';
}

function defaultOf(setting: SettingDefinition): string {
  return valueOf(setting) === undefined ? 'none' : `\`${String(valueOf(setting))}\``;
}

/** What the checks of a setting demand, in the words of their messages: "must be …". */
function expectationOf({ property }: SettingDefinition): string {
  return getMetadataStorage()
    .getTargetValidationMetadatas(Configuration, '', false, false)
    .filter(({ propertyName, message }) => propertyName === property && typeof message === 'string')
    .map(({ message }) => String(message))
    .join(' and ');
}

function withoutMarkup(markdown: string): string {
  return markdown.replaceAll('`', '');
}

/** A Markdown table with padded columns, as Prettier writes it. */
function layOut(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}
