import { execFile, execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SupervisedProcess } from '../../src/embedded/supervised.process.js';
import { freePort } from '../../src/embedded/ports.js';
import { waitUntil } from '../support/wait-until.js';
import { dockerfileStages } from './dockerfile.stages.js';
import { execForm } from './exec.form.js';
import { type ImageFolder, layOutImage } from './image.folder.js';

/** Debian's user that owns nothing. */
const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;
/** To be somebody else takes root; elsewhere the files are at least not asked for more than reading. */
const AS_NOBODY = isRoot
  ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs']
  : [];

describe('What is in the image', () => {
  const image = dockerfileStages().at(-1)!;
  let folder: ImageFolder;
  let data: string;

  const nodeIn = (script: string) => {
    const [command, ...args] = [...AS_NOBODY, process.execPath, '-e', script];
    return execFileSync(command, args, { cwd: folder.app, encoding: 'utf8' });
  };

  beforeAll(() => {
    folder = layOutImage();
    data = mkdtempSync(join(tmpdir(), 'segops-image-data-'));
    if (isRoot) chownSync(data, NOBODY, NOBODY);
  });
  afterAll(() => {
    folder.remove();
    rmSync(data, { recursive: true, force: true });
  });

  it('should be the build, what it needs at run time, and nothing else', () => {
    expect(readdirSync(folder.app).sort()).toEqual(['dist', 'node_modules', 'package.json']);
    const names = ['chdb', 'ffi-rs', 'jest', 'typescript', '@swc/core', '@nestjs/testing', 'eslint', 'supertest'];
    const { devDependencies } = JSON.parse(readFileSync(join(folder.app, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    expect(Object.keys(devDependencies)).toEqual(expect.arrayContaining(names.filter((name) => name !== 'jest')));
    const found = nodeIn(
      `console.log(${JSON.stringify(names)}.filter((name) => { try { return require.resolve(name); } catch { return false; } }).join())`,
    );
    expect(found.trim()).toBe('');
    expect(nodeIn(`console.log(require.resolve('fastify'))`)).toContain(folder.app);
  });

  (isRoot ? it : it.skip)('should not be writable for the user that runs it', () => {
    const written = nodeIn(
      `for (const path of ['x', 'dist/x', 'dist/main.js', 'node_modules/x']) try { fs.writeFileSync(path, ''); console.log(path); } catch {}`,
    );
    expect(written.trim()).toBe('');
  });

  it('should start by the command of the image, write to DATA_DIR only, be healthy, and end on SIGTERM', async () => {
    const port = String(await freePort());
    const environment = {
      PATH: process.env['PATH'],
      ...folder.environment,
      DATA_DIR: data,
      ROLE: 'all',
      HOST: '127.0.0.1',
      PORT: port,
      SHUTDOWN_GRACE_MS: '0',
      QUEUE_PREFIX: `image-${port}`,
      REDIS_URL: process.env['TEST_REDIS_URL'],
      CLICKHOUSE_URL: process.env['TEST_CLICKHOUSE_URL'],
    };
    const inFolder = ['env', '-C', folder.app];
    const [command = '', ...args] = [...AS_NOBODY, ...inFolder, ...execForm(image, 'CMD')];
    const service = SupervisedProcess.spawn({ command, args, env: environment });
    const url = `http://127.0.0.1:${port}`;
    await waitUntil(
      async () => {
        if (!service.running) throw new Error(`The service ended at start:\n${service.lastLines}`);
        return fetch(`${url}/livez`).then(
          ({ status }) => status === 200,
          () => false,
        );
      },
      { timeoutMs: 60_000 },
    );
    const [check, ...checkArgs] = execForm(image, 'HEALTHCHECK');
    const isHealthy = (on: string): Promise<boolean> =>
      promisify(execFile)(check, checkArgs, { env: { ...environment, PORT: on } }).then(
        () => true,
        () => false,
      );
    expect(await isHealthy(port)).toBe(true);
    expect(await isHealthy(String(await freePort()))).toBe(false);
    await waitUntil(async () => (await fetch(`${url}/api/ingestion/health/`)).status === 200, { timeoutMs: 30_000 });
    expect((await service.stop('SIGTERM', 30_000)).code).toBe(0);
    expect(readdirSync(folder.app).sort()).toEqual(['dist', 'node_modules', 'package.json']);
    expect(readdirSync(data)).toContain('spool');
  });
});
