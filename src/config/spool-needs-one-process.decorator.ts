import { ValidateBy, type ValidationArguments } from 'class-validator';
import type { Configuration } from './configuration.js';

/** A role that the queue can serve: the spool is for a process that is both API and worker, and must be allowed to hold something. */
export function SpoolNeedsOneProcess(): PropertyDecorator {
  return ValidateBy(
    {
      name: 'spoolNeedsOneProcess',
      validator: {
        validate: (role, args?: ValidationArguments) => {
          const { transport, spoolMaxBytes } = args?.object as Configuration;
          return transport !== 'spool' || (role === 'all' && spoolMaxBytes > 0);
        },
      },
    },
    { message: 'must be all, with SPOOL_MAX_BYTES above 0, when TRANSPORT=spool' },
  );
}
