import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfiguration } from './load-configuration.js';
import { renderEnvExample, renderSettingsTable, replaceSettingsTable } from './settings.document.js';

const read = (file: string): string => readFileSync(join(__dirname, '../..', file), 'utf8');

describe('The documents about settings', () => {
  it('should find .env.example up to date (else: npm run settings:write)', () => {
    expect(read('.env.example')).toBe(renderEnvExample());
  });

  it('should find the table in README.md up to date (else: npm run settings:write)', () => {
    const readme = read('README.md');
    expect(readme).toBe(replaceSettingsTable(readme));
  });

  it('should propose an .env.example that starts the service, with the comments taken off too', () => {
    const parse = (text: string): Record<string, string> =>
      Object.fromEntries([...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));
    expect(() => loadConfiguration(parse(renderEnvExample()))).not.toThrow();
    expect(() => loadConfiguration(parse(renderEnvExample().replaceAll(/^# (?=[A-Z_]+=)/gm, '')))).not.toThrow();
  });

  it('should put the table between the markers, whatever was there', () => {
    const readme = 'a\n<!-- settings:start -->\nold\n<!-- settings:end -->\nb\n';
    const expected = `a\n<!-- settings:start -->\n\n${renderSettingsTable()}\n\n<!-- settings:end -->\nb\n`;
    expect(replaceSettingsTable(readme)).toBe(expected);
    expect(replaceSettingsTable(expected)).toBe(expected);
  });

  it.each(['', '<!-- settings:start -->', '<!-- settings:end --> <!-- settings:start -->'])(
    'should name the markers when README.md is %p',
    (readme) => {
      expect(() => replaceSettingsTable(readme)).toThrow('add the lines <!-- settings:start --> and');
    },
  );
});
