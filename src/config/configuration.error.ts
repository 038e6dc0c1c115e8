import { OperatorError } from '../common/operator.error.js';

/** The environment does not make a configuration. Its message is for operators, and holds no value of any setting. */
export class ConfigurationError extends OperatorError {
  override readonly name = 'ConfigurationError';

  constructor(readonly problems: readonly string[]) {
    super(['These settings have to be put right:', ...problems.map((problem) => `- ${problem}`)].join('\n'));
  }
}
