// Writes what follows from src/config/configuration.ts: .env.example and docs/settings.md.
// Run by `npm run settings:write`, after a build.
import { writeFileSync } from 'node:fs';

import { renderEnvExample, renderSettingsDocument } from '../dist/config/settings.document.js';

const at = (file) => new URL(`../${file}`, import.meta.url);

writeFileSync(at('.env.example'), renderEnvExample());
writeFileSync(at('docs/settings.md'), renderSettingsDocument());
