import { Module } from '@nestjs/common';
import { RedisStartCheck } from './redis/redis.start-check.js';
import { PubSubStartCheck } from './pubsub/pubsub.start-check.js';

/** Part of the service, and not of the commands: what is in a queue that is set up badly can still be rescued from it. */
@Module({ providers: [RedisStartCheck, PubSubStartCheck] })
export class StartCheckModule {}
