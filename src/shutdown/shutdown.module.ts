import { Module } from '@nestjs/common';
import { Shutdown } from './shutdown.js';

/** The order in which the process ends. */
@Module({ providers: [Shutdown] })
export class ShutdownModule {}
