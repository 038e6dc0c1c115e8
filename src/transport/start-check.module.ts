import { Module } from '@nestjs/common';
import { RedisStartCheck } from './redis.start-check.js';

/** Part of the service, and not of the commands: what is in a Redis that is set up badly can still be rescued from it. */
@Module({ providers: [RedisStartCheck] })
export class RedisStartCheckModule {}
