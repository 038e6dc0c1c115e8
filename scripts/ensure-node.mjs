import { fail } from './step.mjs';

const [major, minor] = process.versions.node.split('.').map(Number);

/** Ends this process when Node is older than package.json's "engines" allows. */
export function ensureNode() {
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(
    `SegOps needs Node 20.19 or newer; this is ${process.versions.node}. Install the current LTS from https://nodejs.org.`,
  );
}
