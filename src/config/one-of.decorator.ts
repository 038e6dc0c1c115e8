import { IsIn } from 'class-validator';

/** One of a fixed list of words. */
export function OneOf(choices: readonly string[]): PropertyDecorator {
  return IsIn(choices, { message: `must be one of: ${choices.join(', ')}` });
}
