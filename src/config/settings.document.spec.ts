import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Configuration } from './configuration.js';
import { loadConfiguration } from './load-configuration.js';
import { settingsOf } from './setting.decorators.js';
import { renderEnvExample, renderSettingsDocument } from './settings.document.js';

const read = (file: string): string => readFileSync(join(__dirname, '../..', file), 'utf8');

describe('The documents about settings', () => {
  it('should find .env.example up to date (else: npm run settings:write)', () => {
    expect(read('.env.example')).toBe(renderEnvExample());
  });

  it('should find docs/settings.md up to date (else: npm run settings:write)', () => {
    expect(read('docs/settings.md')).toBe(renderSettingsDocument());
  });

  it('should name every setting in docs/settings.md, with its default', () => {
    const rows = [...read('docs/settings.md').matchAll(/^\| `(\w+)` +\| (.*?) +\| /gm)];
    const defaults = new Configuration();
    expect(rows.map(([, env, byDefault]) => [env, byDefault])).toEqual(
      settingsOf(Configuration).map(({ env, property }) => {
        const value = defaults[property];
        return [env, value === '' ? 'required' : value === undefined ? 'none' : `\`${value}\``];
      }),
    );
  });

  it('should have every property of the configuration among the settings', () => {
    const properties = Object.keys(new Configuration());
    expect(properties.length).toBeGreaterThan(30);
    expect(settingsOf(Configuration).map(({ property }) => property)).toEqual(properties);
  });

  it('should propose an .env.example that starts the service, with the comments taken off too', () => {
    const parse = (text: string): Record<string, string> =>
      Object.fromEntries([...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));
    expect(() => loadConfiguration(parse(renderEnvExample()))).not.toThrow();
    expect(() => loadConfiguration(parse(renderEnvExample().replaceAll(/^# (?=[A-Z_]+=)/gm, '')))).not.toThrow();
  });
});
