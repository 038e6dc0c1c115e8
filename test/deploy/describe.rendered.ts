import { KUBECTL } from '../support/kubectl.js';
import { DEPLOYMENTS } from './deployments.js';
import type { Manifest } from './manifest.js';
import { render } from './render.js';

/** Runs `tests` on the documents of every deployment; where there is no kubectl they are skipped, and say so. */
export function describeRendered(tests: (rendered: () => readonly Manifest[], name: string) => void): void {
  if (KUBECTL === undefined) {
    it.skip('SKIPPED, no manifest was tested: install kubectl 1.27 or newer', () => undefined);
    return;
  }
  describe.each(DEPLOYMENTS)('$name', (deployment) => {
    let manifests: readonly Manifest[];
    beforeAll(() => {
      manifests = render(deployment);
    });
    tests(() => manifests, deployment.name);
  });
}
