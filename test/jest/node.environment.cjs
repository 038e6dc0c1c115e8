const { readFileSync } = require('node:fs');
const { ModernFakeTimers } = require('@jest/fake-timers');
const { ModuleMocker } = require('jest-mock');

/** Runs specs in the worker's own context: with the globals of Node, and with what earlier specs have loaded. */
module.exports = class NodeEnvironment {
  constructor({ projectConfig }, { testPath }) {
    this.testPath = testPath;
    this.global = globalThis;
    this.moduleMocker = new ModuleMocker(globalThis);
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
    // Jest replaces it for each spec.
    this.exit = process.exit;
  }

  /** Under a spec's fake timers those of a service that the worker shares would stand still, some for ever. */
  async setup() {
    if (readFileSync(this.testPath, 'utf8').includes('useFakeTimers')) await globalThis.sharedService?.();
  }

  async teardown() {
    this.fakeTimersModern.dispose();
    process.exit = this.exit;
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }

  getVmContext() {
    return null;
  }
};
