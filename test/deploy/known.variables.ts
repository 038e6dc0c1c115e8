import { Configuration } from '../../src/config/configuration.js';
import { settingsOf } from '../../src/config/setting.decorators.js';

/** What a deployment may set: the service's settings. */
export const KNOWN_VARIABLES: ReadonlySet<string> = new Set(settingsOf(Configuration).map(({ env }) => env));
