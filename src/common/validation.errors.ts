import type { ValidationError } from 'class-validator';

/**
 * Every message of class-validator by the path of its field, such as `properties.0.type`: the body of the API's 400 for one
 * object. Values and targets stay out of it.
 */
export function messagesByField(errors: readonly ValidationError[]): Record<string, string[]> {
  return Object.fromEntries(errors.flatMap((error) => messagesOf(error, '')));
}

function messagesOf({ property, constraints, children }: ValidationError, parent: string): [string, string[]][] {
  const field = `${parent}${property}`;
  const messages = Object.values(constraints ?? {});
  const nested = (children ?? []).flatMap((child) => messagesOf(child, `${field}.`));
  return messages.length === 0 ? nested : [[field, messages], ...nested];
}
