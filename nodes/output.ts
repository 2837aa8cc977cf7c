/** From what became of the messages to msg.payload, or to the one error that ends the input. Pure. */
import type { SendOutcome } from '../lib/agent/index.ts';
import type { Language } from '../lib/errors.ts';
import { FlowError } from './flow-error.ts';

/** One message in msg.payload. */
export type Told = Omit<SendOutcome, 'error'> & {
  readonly error?: { readonly code: string; readonly message: string; readonly result?: number };
};

export function tell(outcome: SendOutcome, language: Language): Told {
  const { error, ...rest } = outcome;
  if (!error) return rest;
  const { code, result } = error;
  return { ...rest, error: { code, message: error.text(language), ...(result !== undefined && { result }) } };
}

/**
 * The payload that answers an input: an object for one message, an array where the input named several. Throws when all
 * have failed: for one message its error; for several the first one's, with `outcomes` that tell the rest.
 */
export function answer(outcomes: readonly SendOutcome[], list: boolean, language: Language): Told | readonly Told[] {
  const told = outcomes.map((outcome) => tell(outcome, language));
  const [first] = outcomes;
  if (first?.error && outcomes.every((outcome) => outcome.error)) {
    const { error } = first;
    if (told.length === 1) throw new FlowError(error, language, { outcomes: told });
    const text = `${error.text(language)} ${allFailed[language](told.length)}`;
    throw new FlowError(error, language, { text, outcomes: told });
  }
  const [only] = told;
  return only && told.length === 1 && !list ? only : told;
}

const allFailed: Readonly<Record<Language, (count: number) => string>> = {
  en: (count) => `(This is the first of ${count} messages; none was sent.)`,
  ko: (count) => `(메시지 ${count}건 중 첫 번째 오류이며, 보낸 것이 없습니다.)`,
};
