import { formatUuid } from '../common/uuid7.js';
import { drawSeed, formatSeed, parseSeed, reseededId, seededId } from './seed.js';

describe('a seed', () => {
  it('should be another one every time', () => {
    expect(new Set(Array.from({ length: 10_000 }, () => formatSeed(drawSeed()))).size).toBe(10_000);
  });

  it('should survive as text', () => {
    const seed = drawSeed();
    expect(formatSeed(seed)).toHaveLength(19);
    expect(Buffer.from(parseSeed(formatSeed(seed)))).toEqual(Buffer.from(seed));
  });

  it('should give each of 10,000 events an id of its own, a UUID of version 7', () => {
    const seed = drawSeed();
    const ids = Array.from({ length: 10_000 }, (_, index) => formatUuid(seededId(seed, index)));
    expect(new Set(ids).size).toBe(10_000);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('should give the event at the same place of a retry the same id', () => {
    const [first, retry] = [drawSeed(), drawSeed()];
    expect(reseededId(seededId(retry, 9_999), first)).toEqual(seededId(first, 9_999));
  });
});
