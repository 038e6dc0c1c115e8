import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { EmbeddedServer, type ServerOptions, type ServerRecipe, ServerStartError } from './embedded.server.js';

/** Where the packages and the installer of Google's command line put it. */
const CLOUD_SDKS = [
  '/usr/lib/google-cloud-sdk',
  '/usr/share/google-cloud-sdk',
  '/opt/google-cloud-sdk',
  '/snap/google-cloud-cli/current',
  '/opt/homebrew/share/google-cloud-sdk',
  join(homedir(), 'google-cloud-sdk'),
];
const REMEDY =
  'it is not installed. Install it (apt-get install google-cloud-cli-pubsub-emulator, or gcloud components install ' +
  'pubsub-emulator) and Java, or set PUBSUB_EMULATOR_HOST.';

const RECIPE: ServerRecipe = {
  name: 'The Pub/Sub emulator',
  command: (_dataDir, port) => ({
    command: 'java',
    // It keeps messages in memory and stops delivering when that is full: 256 MB are full at half a million events.
    args: ['-Xmx1g', '-jar', findJar() ?? '', '--host=127.0.0.1', `--port=${port}`],
  }),
  answers: async (port) => {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/`, {
        headers: { connection: 'close' },
        signal: AbortSignal.timeout(5_000),
      });
      return response.ok;
    } catch {
      return false;
    }
  },
  remedies: [
    {
      printed: /java: (command )?not found/,
      remedy: 'java is not on the PATH. Install it (apt-get install default-jre-headless).',
    },
  ],
  stopBy: 'SIGTERM',
  stopTimeoutMs: 5_000,
};

/** Google's emulator of Pub/Sub on 127.0.0.1. It keeps everything in memory. */
export class PubSubEmulator extends EmbeddedServer {
  readonly host = `127.0.0.1:${this.port}`;
  readonly url = `http://${this.host}`;

  /** Whether there is one to start. */
  static get isInstalled(): boolean {
    return findJar() !== undefined;
  }

  /** Resolves when it answers. @throws ServerStartError that names the remedy */
  static async start(options: ServerOptions): Promise<PubSubEmulator> {
    if (!this.isInstalled) throw new ServerStartError(RECIPE.name, REMEDY);
    const { process, port } = await this.launch(RECIPE, options);
    return new PubSubEmulator(RECIPE, process, port);
  }
}

function findJar(): string | undefined {
  for (const sdk of CLOUD_SDKS) {
    const folder = join(sdk, 'platform/pubsub-emulator/lib');
    const jar = existsSync(folder)
      ? readdirSync(folder).find((name) => /^cloud-pubsub-emulator.*\.jar$/.test(name))
      : undefined;
    if (jar !== undefined) return join(folder, jar);
  }
  return undefined;
}
