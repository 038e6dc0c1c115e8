import 'reflect-metadata';
import { isIP } from 'node:net';
import { Transform } from 'class-transformer';
import { IsIn, Matches, ValidateBy } from 'class-validator';
import type { Configuration } from './configuration.js';

const SETTINGS = Symbol('settings');

/** A setting and the property of the configuration class that holds it. */
export interface SettingDefinition {
  readonly property: keyof Configuration;
  /** The environment variable it is read from. */
  readonly env: string;
  /** One or two sentences for operators, in Markdown. */
  readonly meaning: string;
  /** A value that would be accepted, for settings whose default is not one. */
  readonly example?: string;
}

/** Reads a property of the configuration class from the environment. Its initial value is the default. */
export function Setting(env: string, meaning: string, { example }: { example?: string } = {}): PropertyDecorator {
  return (target, property) => {
    const setting = { property, env, meaning, ...(example === undefined ? {} : { example }) };
    Reflect.defineMetadata(SETTINGS, [...settingsOf(target.constructor), setting], target.constructor);
  };
}

/** The settings of a configuration class, in the order of declaration. */
export function settingsOf(configurationClass: object): readonly SettingDefinition[] {
  return (Reflect.getMetadata(SETTINGS, configurationClass) as SettingDefinition[] | undefined) ?? [];
}

/** @param message what the rule demands: "must be …"; it never quotes the value, which may be a secret */
function rule(
  name: string,
  message: string,
  holds: (value: unknown, configuration: Configuration) => boolean,
): PropertyDecorator {
  const validate = (value: unknown, args?: { object: object }) => holds(value, args?.object as Configuration);
  return ValidateBy({ name, validator: { validate } }, { message });
}

/** One of a fixed list of words. */
export const OneOf = (choices: readonly string[]): PropertyDecorator =>
  IsIn(choices, { message: `must be one of: ${choices.join(', ')}` });

/** A number without sign, fraction or exponent, from `min` to `max`, both included. Text of digits becomes a number. */
export function WholeNumber({ min, max }: { min: number; max: number }): PropertyDecorator {
  const convert = Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value,
  );
  const check = rule(
    'wholeNumber',
    `must be a whole number from ${min} to ${max}`,
    (value) => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max,
  );
  return (target, property) => {
    convert(target, property);
    check(target, property);
  };
}

/** A URL of one of `protocols` (given without the colon) in the form `shape`, which is shown when it is not one. */
export const UrlOf = (protocols: readonly string[], shape: string): PropertyDecorator =>
  rule(
    'urlOf',
    `must be a URL of the form ${shape}, with reserved characters percent-encoded`,
    (value) =>
      typeof value === 'string' &&
      protocols.some((protocol) => value.startsWith(`${protocol}://`)) &&
      isDecodable(value),
  );

/** The URL of a Redis, or of a Redis Cluster. */
export const RedisUrl = (): PropertyDecorator =>
  rule(
    'redisUrl',
    'must be a URL of the form redis://[user:password@]host:port, or redis+cluster://[user:password@]host:port,host:port for Redis Cluster, with reserved characters percent-encoded',
    (value) =>
      typeof value === 'string' &&
      (redisClusterNodes(value)?.every(isDecodable) ?? (/^rediss?:\/\//.test(value) && isDecodable(value))),
  );

/** Whether it is a URL, and what is percent-encoded in its user, password and path can be read. */
function isDecodable(url: string): boolean {
  try {
    const { username, password, pathname } = new URL(url);
    [username, password, pathname].forEach(decodeURIComponent);
    return true;
  } catch {
    return false;
  }
}

const REDIS_CLUSTER = /^(rediss?)\+cluster:\/\/([^@/]*@)?([^@/?#]+)\/?$/;

/**
 * The nodes that `redis+cluster://[user:password@]host:port,host:port` names, each as the URL of a Redis of its own. Any of a
 * cluster will do: they know the others. Undefined when `url` is not of that form.
 */
export function redisClusterNodes(url: string): readonly [string, ...string[]] | undefined {
  const [, scheme = '', credentials = '', hosts = ''] = REDIS_CLUSTER.exec(url) ?? [];
  const [first = '', ...others] = hosts.split(',').map((host) => `${scheme}://${credentials}${host.trim()}`);
  const namesHost = (node: string) => URL.canParse(node) && new URL(node).hostname !== '';
  return [first, ...others].every(namesHost) ? [first, ...others] : undefined;
}

/** As Redis looks for it: the first brace, up to the first that closes one, with something between. */
const HASH_TAG = /^[^{]*\{[^}]+\}/;

/** A start of keys that puts them all into one slot of a Redis Cluster, where there is one: scripts cannot use several. */
export const HashTagOnCluster = (): PropertyDecorator =>
  rule(
    'hashTagOnCluster',
    'must hold a hash tag, as {segops} does, when REDIS_URL is a Redis Cluster',
    (prefix, { redisUrl }) => redisClusterNodes(redisUrl) === undefined || HASH_TAG.test(String(prefix)),
  );

/** The id of a topic or subscription: https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names */
export const PubSubId = (): PropertyDecorator =>
  // Of the 255 characters that an id may have, `-dead-letters` needs 13.
  Matches(/^(?!goog)[A-Za-z][\w.~+%-]{2,239}$/, {
    message: 'must be 3 to 240 letters, digits and ._~%+-, start with a letter and not with "goog"',
  });

/** What fits into one message when it is compressed, whatever it holds: see `transport/pubsub/batch-message.codec.ts`. */
const MOST_PUBSUB_BYTES = 10_485_760;

/** A size of request bodies whose events fit into one message, where messages are limited. */
export const FitsPubSub = (): PropertyDecorator =>
  rule(
    'fitsPubSub',
    `must be ${MOST_PUBSUB_BYTES} at most when TRANSPORT=pubsub, which limits messages`,
    (bytes, { transport }) => transport !== 'pubsub' || Number(bytes) <= MOST_PUBSUB_BYTES,
  );

/** A role that the queue can serve: the spool is for a process that is both API and worker, and must be allowed to hold something. */
export const SpoolNeedsOneProcess = (): PropertyDecorator =>
  rule(
    'spoolNeedsOneProcess',
    'must be all, with SPOOL_MAX_BYTES above 0, when TRANSPORT=spool',
    (role, { transport, spoolMaxBytes }) => transport !== 'spool' || (role === 'all' && spoolMaxBytes > 0),
  );

/** A number below that of another setting: `name` is its name as operators write it. */
export const Below = (name: string, property: keyof Configuration): PropertyDecorator =>
  rule('below', `must be less than ${name}`, (value, configuration) => Number(value) < Number(configuration[property]));

/** A setting that has no meaning without others: `names` are theirs as operators write them. */
export const TogetherWith = (names: string, properties: readonly (keyof Configuration)[]): PropertyDecorator =>
  rule('togetherWith', `must be set together with ${names}`, (_value, configuration) =>
    properties.every((property) => configuration[property] !== undefined),
  );

/** IP addresses and networks in CIDR form, separated by commas. */
export const AddressList = (): PropertyDecorator =>
  rule(
    'addressList',
    'must be IP addresses or networks separated by commas, as in 10.0.0.0/8,127.0.0.1',
    (value) => typeof value === 'string' && value.split(',').every(isAddressOrNetwork),
  );

function isAddressOrNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.trim().split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}
