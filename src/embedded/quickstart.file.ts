import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/** `quickstart.env`: the URLs and credentials of `npm start`, for shells to source. Only its owner may read it. */
export class QuickstartFile {
  constructor(readonly path: string) {}

  read(): Record<string, string | undefined> {
    return parseEnv(this.text());
  }

  /** Sets these variables, removes those that are undefined, and keeps every other line. */
  write(values: Readonly<Record<string, string | undefined>>): void {
    const kept = this.text()
      .split('\n')
      .filter((line) => line.trim() !== '' && !((line.split('=', 1)[0] ?? '') in values));
    const set = Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${quote(value)}`],
    );
    const unfinished = `${this.path}.new`;
    writeFileSync(unfinished, `${[...kept, ...set].join('\n')}\n`, { mode: 0o600 });
    renameSync(unfinished, this.path);
  }

  private text(): string {
    try {
      return readFileSync(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw error;
    }
  }
}

/** `text` quoted as one word of a shell. */
export function shellQuoted(text: string): string {
  return isPlain(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** For shells, and for Node's parser, which knows no quote within quotes. Only a URL may have one, where %27 means the same. */
function quote(value: string): string {
  return isPlain(value) ? value : `'${value.replaceAll("'", '%27')}'`;
}

function isPlain(text: string): boolean {
  return /^[\w.:/@%+-]*$/.test(text);
}
