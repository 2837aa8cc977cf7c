/**
 * Errors as flows meet them. A Catch node copies `message` (from `toString()`), `code`, `stack` and `cause` of an error
 * and nothing else, so all that a flow may want to switch on is there.
 */
import { type ErrorCode, type ErrorParams, type Language, UshotError } from '../lib/errors.ts';

export class FlowError extends Error {
  readonly code: ErrorCode;
  /** Result code of the manual's table C, where it has one. */
  readonly result: number | undefined;
  /** For an input of several messages: what became of each. */
  readonly outcomes: readonly unknown[] | undefined;

  constructor(error: UshotError, language: Language, more: { text?: string; outcomes?: readonly unknown[] } = {}) {
    const { code, params, result } = error;
    const outcomes = more.outcomes && { outcomes: more.outcomes };
    super(more.text ?? error.text(language), {
      cause: { ...paramsIn(language, params), code, ...(result !== undefined && { result }), ...outcomes },
    });
    this.code = code;
    this.result = result;
    this.outcomes = more.outcomes;
  }

  /** The sentence alone: it is what Catch nodes and the log show. */
  override toString(): string {
    return this.message;
  }
}

/** What to hand to `done` or `node.error`. An error that is not of our table is a bug, and passes as it is. */
export function flowError(error: unknown, language: Language): Error {
  if (error instanceof UshotError) return new FlowError(error, language);
  return error instanceof Error ? error : new Error(String(error));
}

/** The parameters in the reader's language: `name` and `nameKo` are one. */
function paramsIn(language: Language, params: ErrorParams): ErrorParams {
  const names = Object.keys(params).filter((name) => !(name.endsWith('Ko') && name.slice(0, -2) in params));
  const value = (name: string) => (language === 'ko' ? params[`${name}Ko`] : undefined) ?? params[name] ?? '';
  return Object.fromEntries(names.map((name) => [name, value(name)]));
}
