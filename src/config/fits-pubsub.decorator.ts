import { ValidateBy, type ValidationArguments } from 'class-validator';
import type { Configuration } from './configuration.js';

/** What fits into one message when it is compressed, whatever it holds: see `transport/pubsub/batch-message.codec.ts`. */
const MOST_BYTES = 10_485_760;

/** A size of request bodies whose events fit into one message, where messages are limited. */
export function FitsPubSub(): PropertyDecorator {
  return ValidateBy(
    {
      name: 'fitsPubSub',
      validator: {
        validate: (bytes, args?: ValidationArguments) =>
          (args?.object as Configuration).transport !== 'pubsub' || (bytes as number) <= MOST_BYTES,
      },
    },
    { message: `must be ${MOST_BYTES} at most when TRANSPORT=pubsub, which limits messages` },
  );
}
