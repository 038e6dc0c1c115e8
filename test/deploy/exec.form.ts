import type { Stage } from './dockerfile.stages.js';

/**
 * The program and its arguments that a `CMD` or a `HEALTHCHECK` names.
 * @throws SyntaxError when it is not in exec form: a shell in between would keep SIGTERM to itself
 */
export function execForm({ steps }: Stage, keyword: 'CMD' | 'HEALTHCHECK'): [string, ...string[]] {
  const { text } = steps.findLast((step) => step.keyword === keyword) ?? { text: '' };
  return JSON.parse(text.slice(text.indexOf('['))) as [string, ...string[]];
}
