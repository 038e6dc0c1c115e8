// Writes what follows from src/config/configuration.ts: .env.example and the settings table of the README.
// Run by `npm run settings:write`, after a build.
import { readFileSync, writeFileSync } from 'node:fs';

import { renderEnvExample, replaceSettingsTable } from '../dist/config/settings.document.js';

const at = (file) => new URL(`../${file}`, import.meta.url);

writeFileSync(at('.env.example'), renderEnvExample());
writeFileSync(at('README.md'), replaceSettingsTable(readFileSync(at('README.md'), 'utf8')));
