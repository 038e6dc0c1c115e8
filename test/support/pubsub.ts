import { randomBytes } from 'node:crypto';
import { createPubSubClient } from '../../src/transport/pubsub/pubsub.client.js';
import type { PubSubNames } from '../../src/transport/pubsub/pubsub.names.js';
import {
  createPubSubResources,
  DEFAULT_RESOURCE_OPTIONS,
  type ResourceOptions,
} from '../../src/transport/pubsub/pubsub.resources.js';

/** The emulator that the test run shares, as `host:port`; undefined where it is not installed. */
export const sharedPubSubHost = process.env['TEST_PUBSUB_HOST'];

/** `describe` where the emulator is installed. Elsewhere nothing of it runs, and the report says so. */
export const describeOnPubSub: jest.Describe = sharedPubSubHost === undefined ? describeNothing() : describe;

/** A topic and a subscription that no other spec uses, unless it knows the `id`. */
export async function freshPubSubNames(
  options: Partial<ResourceOptions> = {},
  id = randomBytes(6).toString('hex'),
): Promise<PubSubNames> {
  if (sharedPubSubHost === undefined) throw new Error('The Pub/Sub emulator is not installed.');
  const names = { projectId: 'segops-test', topic: `events-${id}`, subscription: `worker-${id}` };
  const client = createPubSubClient({ projectId: names.projectId, emulatorHost: sharedPubSubHost });
  try {
    await createPubSubResources(client, names, { ...DEFAULT_RESOURCE_OPTIONS, ...options });
  } finally {
    await client.close();
  }
  return names;
}

/** The settings that lead there. */
export function pubSubEnvironment({ projectId, topic, subscription }: PubSubNames): Record<string, string> {
  return {
    TRANSPORT: 'pubsub',
    PUBSUB_PROJECT: projectId,
    PUBSUB_TOPIC: topic,
    PUBSUB_SUBSCRIPTION: subscription,
    PUBSUB_EMULATOR_HOST: sharedPubSubHost ?? '',
  };
}

function describeNothing(): jest.Describe {
  it.skip('SKIPPED, nothing was tested on Pub/Sub: install google-cloud-cli-pubsub-emulator and Java', () => undefined);
  return describe.skip;
}
