import { swapCase } from './keyboard.ts';
import { GS1_SYMBOLOGIES, isReadable } from './read-scan.ts';

/** One message of a scanner, stripped of what it puts around. */
export type Message = {
  /** Without the bracket: `d2`. Null: none was sent. */
  readonly symbology: string | null;
  readonly data: string;
};

/** What scanners put before and behind: STX, ETX, CR, LF, TAB, and blanks. None of it is data in any code that is read here. */
const AROUND = ['\u0002', '\u0003', '\t', '\r'];

/** Code 39, in which PZN are printed, is read in no other case. */
const CODE_39 = /^A\d$/;

/** The messages that arrived in one read, none or more. */
export function splitMessages(arrived: string): Message[] {
  return AROUND.reduce((text, c) => text.replaceAll(c, '\n'), arrived)
    .split('\n')
    .flatMap(splitUnterminated);
}

/** GS1 data hold no `]` and no `|`: where a symbology identifier stands among them, the next message begins; `|]e0` is the other half of a composite. */
function splitUnterminated(text: string): Message[] {
  const whole = messageOf(text.trim());
  if (whole.symbology === null && whole.data === '') return [];
  if (whole.symbology === null || !(GS1_SYMBOLOGIES.has(whole.symbology) || /^[EI]\d$/.test(whole.symbology))) return [whole];
  const [first = '', ...others] = whole.data.split(/\|?(?=\][A-Za-z]\d)/);
  // The linear half of an EAN composite is read together with the other one.
  if (whole.symbology !== null && /^[EI]/.test(whole.symbology) && whole.data.includes('|]e0')) return [whole];
  return [{ symbology: whole.symbology, data: first }, ...others.map(messageOf)];
}

function messageOf(text: string): Message {
  const [, symbology = null, data = text] = /^\]([A-Za-z]\d)(.*)$/s.exec(text) ?? [];
  return { symbology, data };
}

/** Whether text begins with a symbology identifier that is read here. */
export function beginsReadable(text: string): boolean {
  const { symbology } = messageOf(text.replace(/^[\p{Cc}\s]+/u, ''));
  return symbology !== null && (isReadable(symbology) || CODE_39.test(symbology));
}

/** Whether the symbology identifier makes sense in the other case only: caps lock was on (codes.md §8). `]E0` does in both, and proves nothing. */
export function isCaseInverted({ symbology }: Message): boolean {
  if (symbology === null || isReadable(symbology) || CODE_39.test(symbology)) return false;
  return isReadable(swapCase(symbology)) || CODE_39.test(swapCase(symbology));
}
