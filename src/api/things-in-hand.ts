import { readBracketed, readDigitalLink } from '../identifiers/index.ts';
import { keyIn } from './things.ts';

export { keyIn };

/** What a spelling of a pack bears of its lot (10) and expiry (17, YYMMDD): a bracketed element string or a Digital Link may, others do not. */
export function borneIn(text: string, at: string): { lot: string | null; expiry: string | null } {
  keyIn(text, at); // says what is wrong with it, and where
  const elements = text.startsWith('(') ? readBracketed(text) : /^https?:\/\//i.test(text) ? readDigitalLink(text).elements : [];
  const value = (ai: string) => elements.find((element) => element.ai === ai)?.value ?? null;
  return { lot: value('10'), expiry: value('17') };
}
