import { join } from 'node:path';
import ts from 'typescript';
import type { Manifest } from './manifest.js';

// Never written: the compiler is handed its text.
const FILE = join(__dirname, 'manifests.generated.ts');
const OPTIONS: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2023,
  types: [],
};

/**
 * What the compiler has against documents written as literals of their kinds' types. Unlike a schema it refuses fields that do not exist,
 * as a misspelt `livenesProbe` is one: Kubernetes itself would drop it without a word.
 */
export function typeErrors(manifests: readonly Manifest[]): string[] {
  const text = manifests
    .map((manifest, place) => `export const m${place}: ${typeOf(manifest)} = ${JSON.stringify(manifest)};`)
    .join('\n');
  const host = ts.createCompilerHost(OPTIONS);
  const fromDisk = host.getSourceFile.bind(host);
  host.getSourceFile = (name, languageVersion, ...rest) =>
    name === FILE ? ts.createSourceFile(name, text, languageVersion) : fromDisk(name, languageVersion, ...rest);
  const program = ts.createProgram([FILE], OPTIONS, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText, start = 0 }) => {
    const of = manifests[text.slice(0, start).split('\n').length - 1];
    return `${of?.kind ?? ''} ${of?.metadata.name ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}

function typeOf({ apiVersion, kind }: Manifest): string {
  const path = apiVersion.startsWith('keda.sh')
    ? `@kubernetes-models/keda/${apiVersion}`
    : apiVersion.startsWith('monitoring.coreos.com')
      ? `@kubernetes-models/prometheus-operator/${apiVersion}`
      : `kubernetes-models/${apiVersion}`;
  return `import('${path}').I${kind}`;
}
