import { join } from 'node:path';
import { PubSubEmulator } from '../../src/embedded/pubsub.emulator.js';
import { createPubSubClient } from '../../src/transport/pubsub/pubsub.client.js';
import { createPubSubResources, DEFAULT_RESOURCE_OPTIONS } from '../../src/transport/pubsub/pubsub.resources.js';
import { GrpcProxy } from '../support/grpc.proxy.js';
import { deployWithBroker } from './broker.deployment.js';
import type { Deployment, DeploymentOptions } from './deployment.js';
import { NetworkPart } from './network.part.js';

const NAMES = { projectId: 'segops-crash', topic: 'events', subscription: 'worker' };

/**
 * Pub/Sub, for which the emulator stands. It keeps messages in memory, where Google has them on several disks, so that it is not
 * killed: what breaks and falls silent is the network to it.
 */
export async function deployPubSub(options: DeploymentOptions): Promise<Deployment> {
  const emulator = await PubSubEmulator.start({ dataDir: join(options.folder, 'pubsub') });
  const client = createPubSubClient({ projectId: NAMES.projectId, emulatorHost: emulator.host });
  await createPubSubResources(client, NAMES, DEFAULT_RESOURCE_OPTIONS);
  await client.close();
  const network = await GrpcProxy.start(emulator.port);
  return deployWithBroker(options, {
    environment: {
      TRANSPORT: 'pubsub',
      PUBSUB_PROJECT: NAMES.projectId,
      PUBSUB_TOPIC: NAMES.topic,
      PUBSUB_SUBSCRIPTION: NAMES.subscription,
      PUBSUB_EMULATOR_HOST: network.host,
    },
    parts: [new NetworkPart('pubsub', network, emulator.pid)],
    stop: async () => {
      await network.cut();
      await emulator.stop();
    },
  });
}
