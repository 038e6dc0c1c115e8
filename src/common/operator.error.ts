/** Something that an operator can mend. Its message says what and how, and is all that is shown of it: no stack helps. */
export class OperatorError extends Error {}
