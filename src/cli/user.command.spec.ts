import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CommandLine } from '../../test/support/command.line.js';
import { controlPlaneServices } from '../../test/support/control-plane.services.js';

describe('The command user', () => {
  let cli: CommandLine;

  beforeAll(async () => {
    cli = await CommandLine.start();
    await run('tenant', 'create', 'acme');
  });

  afterAll(() => cli.stop());

  const run = (...words: string[]) => cli.run(...words);
  const authenticate = (email: string, password: string) =>
    cli.inControlPlane((database) => controlPlaneServices(database).users.authenticate(email, password));

  it('should create a user with a random password, shown once', async () => {
    const { code, out, err } = await run('user', 'create', 'Ann@Example.com', '--tenant', 'acme');
    expect({ code, err }).toEqual({ code: 0, err: cli.place });
    const [, password] =
      /^Created user ann@example\.com of tenant acme\. The password, shown only now:\n([\w-]{24})\n$/.exec(out)!;
    expect(await authenticate('ann@example.com', password!)).toMatchObject({ tenantId: 'acme' });
    expect((await run('user', 'list', '--tenant', 'acme')).out).not.toContain(password);
  });

  it('should create a user with the password on standard input, and show it to nobody', async () => {
    const options = ['bob@example.com', '--tenant', 'acme', '--password-stdin'];
    expect(await cli.runWith('correct horse', 'user', 'create', ...options)).toEqual({
      code: 0,
      out: 'Created user bob@example.com of tenant acme.\n',
      err: cli.place,
    });
    expect(await authenticate('bob@example.com', 'correct horse')).toBeDefined();
  });

  it('should answer scripts in JSON', async () => {
    await run('tenant', 'create', 'scripted');
    const created = await run('user', 'create', 'cid@example.com', '--tenant', 'scripted', '--json');
    const user = JSON.parse(created.out) as { id: string; password: string };
    expect(user).toEqual({
      id: expect.any(String),
      email: 'cid@example.com',
      tenant: 'scripted',
      password: expect.stringMatching(/^[\w-]{24}$/),
    });
    expect(JSON.parse((await run('user', 'list', '--tenant', 'scripted', '--json')).out)).toEqual([
      { id: user.id, tenantId: 'scripted', email: 'cid@example.com', createdAt: expect.any(String) },
    ]);
    const set = ['user', 'set-password', 'cid@example.com', '--json'];
    expect(JSON.parse((await cli.runWith('another horse', ...set, '--password-stdin')).out)).toEqual({
      email: 'cid@example.com',
    });
    const { password } = JSON.parse((await run(...set)).out) as { password: string };
    expect(await authenticate('cid@example.com', password)).toMatchObject({ id: user.id });
    expect(JSON.parse((await run('user', 'remove', 'cid@example.com', '--json')).out)).toEqual({
      email: 'cid@example.com',
    });
  });

  it('should list, set the password of, and remove a user', async () => {
    await run('tenant', 'create', 'keeper');
    expect((await run('user', 'list', '--tenant', 'keeper')).out).toBe('The tenant "keeper" has no users.\n');
    await cli.runWith('correct horse', 'user', 'create', 'dan@example.com', '--tenant', 'keeper', '--password-stdin');
    expect((await run('user', 'list', '--tenant', 'keeper')).out).toMatch(/^\S+\tdan@example\.com\tcreated \S+\n$/);

    const set = await cli.runWith('another horse', 'user', 'set-password', 'dan@example.com', '--password-stdin');
    expect(set.out).toBe('Set the password of dan@example.com, whose logins have ended.\n');
    expect(await authenticate('dan@example.com', 'correct horse')).toBeUndefined();
    expect(await authenticate('dan@example.com', 'another horse')).toBeDefined();

    expect((await run('user', 'remove', 'dan@example.com')).out).toBe(
      'Removed user dan@example.com, whose logins have ended.\n',
    );
    expect(await authenticate('dan@example.com', 'another horse')).toBeUndefined();
  });

  it.each([
    ['an unknown tenant', ['create', 'eve@example.com', '--tenant', 'nobody'], /^error: There is no tenant "nobody"/],
    ['users of an unknown tenant', ['list', '--tenant', 'nobody'], /^error: There is no tenant "nobody"/],
    ['what is no address', ['create', 'eve', '--tenant', 'acme'], /^error: An email address has a name/],
    [
      'a bad password',
      ['create', 'eve@example.com', '--tenant', 'acme', '--password-stdin'],
      /^error: A password has 8/,
    ],
    ['a missing tenant', ['create', 'eve@example.com'], /^error: required option '--tenant <slug>' not specified/],
    ['a password as a word', ['set-password', 'eve@example.com', 'hunter2hunter2'], /^error: too many arguments/],
    ['an unknown user', ['remove', 'eve@example.com'], /^error: There is no user "eve@example\.com"/],
    ['nobody’s new password', ['set-password', 'eve@example.com'], /^error: There is no user/],
  ])('should answer %s with one line and exit code 1', async (_, words, expected) => {
    const { code, out, err } = await cli.runWith('short', 'user', ...words);
    expect(err).toMatch(expected);
    expect({ code, out, lines: err.trimEnd().split('\n').length }).toEqual({ code: 1, out: '', lines: 1 });
  });

  it('should say so when there is no standard input to read', async () => {
    const { code, err } = await run('user', 'set-password', 'ann@example.com', '--password-stdin');
    expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/^error: There is no standard input/) });
  });

  it.each([
    ['a line', 'correct horse\n', '"correct horse"'],
    ['a line of Windows', 'correct horse\r\n', '"correct horse"'],
    ['no line break', 'correct horse', '"correct horse"'],
    ['blanks and an empty line', ' a \n\n', '" a \\n"'],
    ['nothing', '', '""'],
  ])('should read %s from standard input', async (_, input, expected) => {
    expect(await readByProcess(input)).toBe(expected);
  });
});

/** What `readStandardInput` gives in a process of its own, as JSON. */
async function readByProcess(input: string): Promise<string> {
  const script = `
    require(${JSON.stringify(join(__dirname, '../../test/jest/typescript.cjs'))});
    require(${JSON.stringify(join(__dirname, 'terminal.ts'))})
      .readStandardInput().then((text) => process.stdout.write(JSON.stringify(text)));`;
  const running = promisify(execFile)(process.execPath, ['-e', script]);
  running.child.stdin?.end(input);
  return (await running).stdout;
}
