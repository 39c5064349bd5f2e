import { type ErrorCode, LotlineError } from '../errors.ts';

/** No message is longer, whatever a sender put where a name was expected: both ends stay, they say what is wrong. */
const MESSAGE_MAX = 400;

/** A refused identifier: what is wrong with it and how to mend it, without a place (the caller knows where it stood). */
export function refusal(
  code: Extract<ErrorCode, 'ID-FORM' | 'ID-CHECK' | 'ID-LENGTH' | 'ID-CHARSET' | 'ID-AI'>,
  what: string,
  fix: string,
): LotlineError {
  return new LotlineError(code, what.length <= MESSAGE_MAX ? what : `${what.slice(0, MESSAGE_MAX - 101)}…${what.slice(-100)}`, { fix });
}

/** An identifier as an error message may show it: a sender's megabyte does not become our log line. */
export function shown(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 117)}…`;
}

/** What `read` answers, or null where it refuses; any other error is a fault of ours and goes on. */
export function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof LotlineError) return null;
    throw error;
  }
}
