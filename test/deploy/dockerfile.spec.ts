import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validate } from 'dockerfile-utils';
import { Configuration } from '../../src/config/configuration.js';
import { settingsOf } from '../../src/config/setting.decorators.js';
import { dockerfileStages, type Stage } from './dockerfile.stages.js';
import { execForm } from './exec.form.js';

const ROOT = join(__dirname, '../..');

describe('The Dockerfile', () => {
  const stages = dockerfileStages();
  const image = stages.at(-1)!;
  const stepsOf = ({ steps }: Stage, keyword: string) => steps.filter((step) => step.keyword === keyword);

  it('should have nothing that a linter minds', () => {
    expect(validate(readFileSync(join(ROOT, 'docker/Dockerfile'), 'utf8'))).toEqual([]);
  });

  it('should be built on one release of Node and Debian, and the one that is tested', () => {
    for (const { image: base } of stages) expect(base).toMatch(/^node:\d+(\.\d+)*-[a-z]+-slim$/);
    expect(new Set(stages.map(({ image: base }) => base)).size).toBe(1);
    expect(image.image).toMatch(/^node:24/);
  });

  it('should copy only what is named, and run nothing that installs into the image itself', () => {
    const copied = stepsOf(image, 'COPY').map(({ text }) => text);
    expect(copied).toEqual([
      '--from=dependencies /app/node_modules ./node_modules',
      '--from=build /app/dist ./dist',
      'package.json ./',
    ]);
    expect(stepsOf(image, 'RUN').map(({ text }) => text)).toEqual(['mkdir /data && chown node:node /data']);
  });

  it('should have no development dependencies', () => {
    const dependencies = stages.find(({ name }) => name === 'dependencies')!;
    const runs = stepsOf(dependencies, 'RUN').map(({ text }) => text);
    expect(runs).toEqual([expect.stringMatching(/^npm install [^&]*--omit=dev/)]);
    expect(stepsOf(dependencies, 'COPY').map(({ text }) => text)).toEqual(['package.json package-lock.json ./']);
  });

  it('should run as a user without rights, told by its number, from the last step on', () => {
    const users = stepsOf(image, 'USER').map(({ text }) => text);
    expect(users).toEqual(['1000:1000']);
    const after = image.steps.slice(image.steps.findIndex(({ keyword }) => keyword === 'USER') + 1);
    expect(after.map(({ keyword }) => keyword)).toEqual(['EXPOSE', 'HEALTHCHECK', 'CMD']);
  });

  it('should start a program, not a shell that keeps signals to itself', () => {
    expect(execForm(image, 'CMD')).toEqual(['node', 'dist/main.js']);
    expect(stepsOf(image, 'ENTRYPOINT')).toEqual([]);
    expect(execForm(image, 'HEALTHCHECK').slice(0, 2)).toEqual(['node', '-e']);
  });

  it('should set what the service knows, and expose the port that it listens on', () => {
    const known = [...settingsOf(Configuration).map(({ env }) => env), 'NODE_ENV'];
    const names = stepsOf(image, 'ENV').map(({ text }) => text.split('=')[0]);
    expect(names.filter((name) => !known.includes(name ?? ''))).toEqual([]);
    expect(stepsOf(image, 'EXPOSE').map(({ text }) => Number(text))).toEqual([new Configuration().port]);
  });

  it('should be given no more than it copies', () => {
    const [deny, ...allowed] = readFileSync(join(ROOT, '.dockerignore'), 'utf8').trim().split('\n');
    expect(deny).toBe('*');
    const copied = stages.flatMap((stage) =>
      stepsOf(stage, 'COPY')
        .filter(({ text }) => !text.includes('--from='))
        .flatMap(({ words }) => words.slice(0, -1)),
    );
    expect(allowed.map((line) => line.replace('!', '')).sort()).toEqual([...new Set(copied)].sort());
  });
});
