import { ValidateBy } from 'class-validator';
import { isBlank } from '../common/text.rules.js';
import { parseOccurredAt } from './occurred-at.js';

/**
 * A rule for a field of an event. Its name is the `code` that callers see, which is part of the API. Rules are checked from top
 * to bottom, and the first broken one is reported.
 */
function rule(
  name: string,
  validate: (value: unknown) => boolean,
  message: (value: unknown) => string,
): PropertyDecorator {
  return ValidateBy({ name, validator: { validate, defaultMessage: (args) => message(args?.value) } });
}

/** A field without this rule may be absent or null. */
export const REQUIRED = 'required';

export const Required = (): PropertyDecorator =>
  rule(
    REQUIRED,
    (value) => value !== undefined && value !== null,
    () => 'is required.',
  );

export const Text = (): PropertyDecorator =>
  rule(
    'invalid_type',
    (value) => typeof value === 'string',
    () => 'must be a string.',
  );

export const JsonObject = (): PropertyDecorator =>
  rule(
    'invalid_type',
    (value) => typeof value === 'object' && !Array.isArray(value),
    () => 'must be a JSON object.',
  );

export const NotBlank = (): PropertyDecorator =>
  rule(
    'blank',
    (value) => !isBlank(value as string),
    () => 'must not be blank.',
  );

/** Counts code points, so that an emoji is one. */
export const AtMostCharacters = (limit: number): PropertyDecorator =>
  rule(
    'too_long',
    (value) => (value as string).length <= limit || Array.from(value as string).length <= limit,
    () => `must have at most ${limit} characters.`,
  );

export const NoControlCharacters = (): PropertyDecorator =>
  rule(
    'control_character',
    // eslint-disable-next-line no-control-regex -- intended
    (value) => !/[\u0000-\u001f\u007f-\u009f]/.test(value as string),
    () => 'must not contain control characters.',
  );

export const WellFormed = (): PropertyDecorator =>
  rule(
    'invalid_unicode',
    (value) => (value as string).isWellFormed(),
    () => 'must not contain unpaired surrogates (\\ud800 to \\udfff).',
  );

const SNAKE_CASE = /^[a-z][a-z0-9_]*$/;

export const SnakeCase = (): PropertyDecorator =>
  rule(
    'invalid_format',
    (value) => SNAKE_CASE.test(value as string),
    (value) => {
      const proposal = typeof value === 'string' ? proposeEventType(value) : undefined;
      const form = 'must be snake_case: lower-case letters, digits and underscores, starting with a letter';
      return proposal === undefined ? `${form}.` : `${form}, such as "${proposal}".`;
    },
  );

export const Iso8601 = (): PropertyDecorator =>
  rule(
    'invalid_format',
    (value) => parseOccurredAt(value as string) !== undefined,
    () => 'must be an ISO 8601 date and time, such as "2026-04-25T13:00:00.000Z".',
  );

/** A local time without its offset is up to 14 hours ahead of UTC. */
const FUTURE_TOLERANCE_MS = 24 * 60 * 60 * 1000;

export const Plausible = (): PropertyDecorator =>
  rule(
    'out_of_range',
    (value) => {
      const time = parseOccurredAt(value as string) ?? NaN;
      return time >= 0 && time <= Date.now() + FUTURE_TOLERANCE_MS;
    },
    () => 'must lie between 1970 and 24 hours from now.',
  );

/** The snake_case name nearest to what was sent, such as `page_viewed` for `Page Viewed`; undefined when there is none. */
export function proposeEventType(sent: string): string | undefined {
  const proposal = sent
    .slice(0, 200)
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[^a-z]+|_+$/g, '')
    .slice(0, 100);
  return proposal === '' ? undefined : proposal;
}
