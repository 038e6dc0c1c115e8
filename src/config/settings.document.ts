import { getMetadataStorage } from 'class-validator';
import { Configuration } from './configuration.js';
import { acceptedValueOf } from './load-configuration.js';
import { type SettingDefinition, settingsOf } from './setting.decorators.js';

const defaults = new Configuration();

const SETTINGS_HEAD = `# Settings

Every setting is an environment variable. A variable that is empty or blank counts as not set, and a file \`.env\` in the working
directory is read when there is one. A wrong or missing setting stops the start with a message that names it and says what it must be.
\`node dist/cli.js\` checks only the settings that its command uses.

This file and \`.env.example\` are written by \`npm run settings:write\` out of \`src/config/configuration.ts\`.
`;
const ENV_HEAD = '# Copy to .env and adapt. A commented line shows the default, or an example where there is none.\n';

/** The text of `.env.example`: required settings as lines to fill in, all others commented out. */
export function renderEnvExample(): string {
  const entries = settingsOf(Configuration).map((setting) =>
    [
      `# ${setting.meaning.replaceAll('`', '')}`,
      `# It ${expectationOf(setting)}.`,
      `${isRequired(setting) ? '' : '# '}${setting.env}=${acceptedValueOf(setting)}\n`,
    ].join('\n'),
  );
  return [ENV_HEAD, ...entries].join('\n');
}

/** The text of `docs/settings.md`: the settings as a table, laid out as Prettier does. */
export function renderSettingsDocument(): string {
  const rows = settingsOf(Configuration).map((setting) => [
    `\`${setting.env}\``,
    isRequired(setting) ? 'required' : defaultOf(setting),
    `${setting.meaning} It ${expectationOf(setting)}.`,
  ]);
  return `${SETTINGS_HEAD}\n${layOut([['variable', 'default', 'meaning'], ...rows])}\n`;
}

function isRequired({ property }: SettingDefinition): boolean {
  return defaults[property] === '';
}

function defaultOf({ property }: SettingDefinition): string {
  return defaults[property] === undefined ? 'none' : `\`${defaults[property]}\``;
}

/** What the checks of a setting demand, in the words of their messages: "must be …". */
function expectationOf({ property }: SettingDefinition): string {
  return getMetadataStorage()
    .getTargetValidationMetadatas(Configuration, '', false, false)
    .filter(({ propertyName, message }) => propertyName === property && typeof message === 'string')
    .map(({ message }) => String(message))
    .join(' and ');
}

/** A Markdown table with padded columns. */
function layOut(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}
