import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { NOTE_LIFE_MS, OLD_NOTE_MS } from '../retry-notes.js';
import { SpoolNotes, type StoredNote } from './spool.notes.js';

describe('SpoolNotes', () => {
  let folder: string;
  let root: RootDatabase;
  let now: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'segops-notes-'));
    root = open({ path: folder, maxDbs: 1 });
    now = 1_000_000;
  });
  afterEach(async () => {
    await root.close();
    await rm(folder, { recursive: true, force: true });
  });

  const db = () => root.openDB<StoredNote, string>({ name: 'notes', encoding: 'json' });
  const begin = () => new SpoolNotes(db(), () => now);
  const note = (fingerprint: string, seed: string) => ({ fingerprint, seed, receivedAt: now });

  it('should find a note old after 400 ms, and none any more after two minutes', async () => {
    const notes = begin();
    for (const name of ['a', 'b']) notes.keep({ notes: [note(name, 'first')] });
    now += OLD_NOTE_MS;
    expect(notes.keep({ notes: [note('a', 'twin')] })).toEqual([]);
    now += 1;
    expect(notes.keep({ notes: [note('a', 'second')] })).toEqual([{ fingerprint: 'a', seed: 'first' }]);
    now += NOTE_LIFE_MS - OLD_NOTE_MS;
    expect(notes.keep({ notes: [note('b', 'second')] })).toEqual([]);
    await root.flushed;
    expect([...db().getKeys()]).toEqual(['b']);
  });

  it('should have them in the next process', async () => {
    begin().keep({ notes: [note('a', 'first'), note('b', 'first')] });
    await root.flushed;
    begin().keep({ answered: [note('b', 'first')] });
    await root.flushed;
    now += OLD_NOTE_MS + 1;
    expect(begin().keep({ notes: [note('a', 'second'), note('b', 'second')] })).toEqual([
      { fingerprint: 'a', seed: 'first' },
    ]);
  });
});
