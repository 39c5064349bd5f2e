import { refusal, shown } from './refusal.ts';

/** Names of things, lots and places are looked up by, and an ordered index of PostgreSQL takes entries of about 2,600 bytes. */
export const NAME_BYTES_MAX = 2_048;

/** Refuses a name that not every store can keep and find again: longer than NAME_BYTES_MAX in UTF-8 (ID-LENGTH), or with U+0000 in it (ID-CHARSET). */
export function checkName(text: string): void {
  // No character takes more than three bytes a unit of its length.
  if (text.length * 3 > NAME_BYTES_MAX) {
    const bytes = new TextEncoder().encode(text).length;
    if (bytes > NAME_BYTES_MAX)
      throw refusal(
        'ID-LENGTH',
        `${shown(text)}: ${bytes.toLocaleString('en')} bytes, at most ${NAME_BYTES_MAX.toLocaleString('en')} are kept`,
        'Give it a shorter name.',
      );
  }
  if (text.includes('\0')) throw refusal('ID-CHARSET', `${shown(text).replaceAll('\0', '␀')}: holds the character U+0000`, 'Leave it out.');
}
