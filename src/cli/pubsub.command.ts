import type { Command } from 'commander';
import { loadConfiguration } from '../config/load-configuration.js';
import {
  createPubSubResources,
  DEFAULT_RESOURCE_OPTIONS,
  type Resource,
  type ResourceOptions,
} from '../transport/pubsub/pubsub.resources.js';
import { print, type Terminal, wholeNumber } from './terminal.js';

interface Choice extends ResourceOptions {
  readonly json?: true;
}

/** `pubsub create`. */
export function addPubSubCommands(program: Command, terminal: Terminal): void {
  const pubsub = program.command('pubsub').description('what TRANSPORT=pubsub uses in Google Pub/Sub');

  pubsub
    .command('create')
    .description(
      'make the topic, its subscription, and both again for dead letters; what is there already stays as it is',
    )
    .option(
      '--exactly-once',
      'have Pub/Sub deliver each message once; events are stored once without it too',
      DEFAULT_RESOURCE_OPTIONS.exactlyOnce,
    )
    .option(
      '--max-delivery-attempts <number>',
      'deliveries that ended with their worker, after which a batch becomes a dead letter (5 to 100)',
      wholeNumber(5, 100),
      DEFAULT_RESOURCE_OPTIONS.maxDeliveryAttempts,
    )
    .option(
      '--retention-days <number>',
      'how long Pub/Sub keeps what is not stored yet (1 to 31)',
      wholeNumber(1, 31),
      DEFAULT_RESOURCE_OPTIONS.retentionDays,
    )
    .option('--json', 'print a list of objects')
    .action(async ({ json, ...options }: Choice) => {
      const { createPubSubClient } = await import('../transport/pubsub/pubsub.client.js');
      const { remedyFor } = await import('../transport/pubsub/pubsub.problem.js');
      const { pubSubSettingsOf } = await import('../transport/pubsub/pubsub.names.js');
      const settings = pubSubSettingsOf(
        loadConfiguration(terminal.env, ['pubsubProject', 'pubsubTopic', 'pubsubSubscription', 'pubsubEmulatorHost']),
      );
      if (settings.projectId === '') {
        throw new Error(
          'PUBSUB_PROJECT is not set: the Google Cloud project of the topic. Example: PUBSUB_PROJECT=my-project',
        );
      }
      const client = createPubSubClient(settings);
      try {
        const resources = await createPubSubResources(client, settings, options);
        print(terminal, json, resources, resources.map(describe).join('\n'));
      } catch (error) {
        throw new Error(`Pub/Sub cannot make them: ${remedyFor(error)}`, { cause: error });
      } finally {
        await client.close();
      }
    });
}

function describe({ kind, id, isNew }: Resource): string {
  return `${isNew ? 'Created' : 'There already was'} the ${kind} ${id}.`;
}
