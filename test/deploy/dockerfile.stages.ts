import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DockerfileParser } from 'dockerfile-ast';

/** One line of a Dockerfile. */
export interface Step {
  readonly keyword: string;
  /** What stands behind the keyword and its flags, word by word. */
  readonly words: readonly string[];
  /** The same as it is written, flags included. */
  readonly text: string;
}

/** A `FROM` and what follows it. */
export interface Stage {
  readonly image: string;
  readonly name: string | undefined;
  readonly steps: readonly Step[];
}

/** The stages of docker/Dockerfile, by Docker's own grammar. The last one is the image. */
export function dockerfileStages(): Stage[] {
  const text = readFileSync(join(__dirname, '../../docker/Dockerfile'), 'utf8');
  const stages: { image: string; name: string | undefined; steps: Step[] }[] = [];
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    const keyword = instruction.getKeyword();
    const words = instruction
      .getArguments()
      .map((argument) => argument.getValue())
      .filter((word) => !word.startsWith('--'));
    if (keyword === 'FROM') stages.push({ image: words[0] ?? '', name: words[2], steps: [] });
    else
      stages.at(-1)?.steps.push({
        keyword,
        words,
        text: instruction
          .toString()
          .slice(keyword.length + 1)
          .trim(),
      });
  }
  return stages;
}
