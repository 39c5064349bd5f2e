import { LAYOUTS, type Layout, swapCase, typedOn } from './keyboard.ts';
import type { Notice } from './message-content.ts';
import { isSeparatorData, type ScanProfile } from './reading.ts';

/**
 * The known symbol that a scanner is set up with: a GS1 DataMatrix of these elements, in this order. Its letters tell upper from lower case, y from z and
 * a from q; its digits and punctuation tell keyboards apart; the one separator stands between two texts that are the same nowhere else.
 */
export const SETUP_ELEMENTS = [
  { ai: '01', value: '09520123000110' },
  { ai: '21', value: 'LotLine-yzAQwm/1' },
  { ai: '10', value: 'SetUp_;aqZY' },
] as const;

const BEFORE = SETUP_ELEMENTS.slice(0, 2)
  .map(({ ai, value }) => ai + value)
  .join('');
const BEHIND = SETUP_ELEMENTS.slice(2)
  .map(({ ai, value }) => ai + value)
  .join('');
const IDENTIFIERS = [']d2', ']Q3', ']C1', ']J1', ''] as const;
/** A separator is sent as one character, or spelled out as `<GS>` or `{FNC1}`. */
const SEPARATOR_MAX = 8;

export type ScannerSetup = {
  /** What was found out holds, and scans read with the profile. */
  readonly ok: boolean;
  readonly profile: ScanProfile;
  readonly symbologyIdentifier: boolean;
  readonly prefix: string;
  readonly suffix: string;
  /** What should be changed at the scanner or its host; with `ok` false, what must be. */
  readonly advice: readonly Notice[];
};

/** Works out how a scanner is set, from what arrived when it read the known symbol. Null: that was another symbol, or nothing of it is left. */
export function workOutSetup(arrived: string): ScannerSetup | null {
  for (const hostLayout of LAYOUTS)
    for (const capsLock of [false, true])
      for (const identifier of IDENTIFIERS) {
        const sent = (text: string) => typedOn(capsLock ? swapCase(text) : text, hostLayout);
        const [head, tail] = [sent(identifier + BEFORE), sent(BEHIND)];
        const at = arrived.indexOf(head);
        const end = arrived.indexOf(tail, at + head.length);
        if (at < 0 || end < 0 || end - at - head.length > SEPARATOR_MAX) continue;
        const around = { prefix: arrived.slice(0, at), suffix: arrived.slice(end + tail.length) };
        return told({ separator: arrived.slice(at + head.length, end), identifier, hostLayout, capsLock, ...around });
      }
  return null;
}

type Found = { separator: string; identifier: string; hostLayout: Layout; capsLock: boolean; prefix: string; suffix: string };

function told({ separator, identifier, hostLayout, capsLock, prefix, suffix }: Found): ScannerSetup {
  const advice: Notice[] = [];
  const say = (code: string, message: string) => advice.push({ code, message });
  const lost = separator === '';
  const inData = !lost && isSeparatorData(separator);
  const strange = prefix.replaceAll('\u0002', '').trim() !== '' || suffix.replaceAll('\u0003', '').trim() !== '';
  if (lost)
    say(
      'separator-lost',
      'The separator does not arrive: serial, expiry and lot run together. Have the scanner send it as GS (ASCII 29), or as | where the keyboard has no GS.',
    );
  else if (inData)
    say(
      'separator-in-data',
      `The separator arrives as ${separator}, which serials and lots may hold. Choose a character that they cannot, such as |.`,
    );
  else if (separator !== '\u001d') say('separator-replaced', `The separator arrives as ${separator}; the profile says so.`);
  if (capsLock) say('case-inverted', 'Caps lock is on at the host. Switch it off.');
  if (identifier === '')
    say(
      'no-symbology-identifier',
      'No symbology identifier is sent. Switch AIM identifiers on: they show caps lock, keyboards, and which symbols hold GS1 data.',
    );
  if (hostLayout !== 'en-US')
    say(
      'keyboard-layout',
      `The scanner types for en-US on a host set to ${hostLayout}. Set it to ${hostLayout}, or take it off the keyboard.`,
    );
  if (strange) say('prefix-or-suffix', 'The scanner puts text around what it reads. Leave STX, ETX, TAB, CR and LF at most.');
  return {
    ok: !lost && !inData && !strange && !(capsLock && identifier === ''),
    profile: {
      ...(!lost && !inData && separator !== '\u001d' && { gs: separator }),
      ...(hostLayout !== 'en-US' && { scannerLayout: 'en-US' as const, hostLayout }),
      ...(capsLock && identifier !== '' && { restoreCase: true }),
    },
    symbologyIdentifier: identifier !== '',
    prefix,
    suffix,
    advice,
  };
}
