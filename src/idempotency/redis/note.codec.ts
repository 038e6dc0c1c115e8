import type { Note } from '../idempotency.store.js';
import { SEED_CHARACTERS } from '../seed.js';

/** A seed and a letter: fixed width, so that a script can cut a list of them without a parser. */
export const NOTE_CHARACTERS = SEED_CHARACTERS + 1;

/** `D` for notes whose events are known to be durable, `-` for others. */
export function encodeNote({ seed, durable }: Note): string {
  return seed + (durable ? 'D' : '-');
}

export function encodeNotes(notes: readonly Note[]): string {
  let text = '';
  for (const note of notes) text += encodeNote(note);
  return text;
}

export function decodeNotes(text: string): Note[] {
  const notes: Note[] = [];
  for (let at = 0; at < text.length; at += NOTE_CHARACTERS) {
    const end = at + SEED_CHARACTERS;
    notes.push({ seed: text.slice(at, end), durable: text[end] === 'D' });
  }
  return notes;
}
