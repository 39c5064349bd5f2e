import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scansOf } from '../../test/support/codes.ts';
import { type Element, readBracketed, readScan, writeBracketed } from '../identifiers/index.ts';
import type { LabelInput } from './label.ts';
import { type Format, LABELS_MAX, printLabels, readLabels } from './print.ts';

const PACK = '(01)09520123000110(21)7K2M9QX4TB8R';
const print = (format: Format, input: LabelInput) => Buffer.concat([...printLabels({ layout: 'pack', format, year: 2026 }, [input])]);
const labelOf = (product: string): LabelInput => ({ data: PACK, text: { product } });

/** Printable ISO Latin, with what begins commands and escapes in our formats more often than chance has it. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '^XA',
        '^XZ',
        '~JR',
        '^FS',
        '^FD',
        '_5E',
        '_',
        '^',
        '~',
        '\\',
        '\\&',
        '|1',
        '</svg>',
        '<script>',
        '"',
        "'",
        '&#94;',
        ') Tj',
        '(',
        'endstream',
        '%',
      ),
      fc.integer({ min: 0x20, max: 0x7e }).map((c) => String.fromCharCode(c)),
      fc
        .integer({ min: 0xa1, max: 0xff })
        .filter((c) => c !== 0xad)
        .map((c) => String.fromCharCode(c)),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.join('').slice(0, 24).trim())
  .filter((text) => text !== '' && text === text.normalize('NFC'));

describe('whatever a text says', () => {
  it('ZPL has the same commands, and gives the text back', () => {
    const commands = (zpl: string) => [...new Set(zpl.match(/[\^~]../g))].map((command) => command.slice(0, 3)).sort();
    const plain = commands(print('zpl', labelOf('x')).toString());
    fc.assert(
      fc.property(hostile, (text) => {
        const zpl = print('zpl', labelOf(text)).toString();
        expect(commands(zpl).map((command) => command.replace(/[0-9]$/, ''))).toEqual(
          plain.map((command) => command.replace(/[0-9]$/, '')),
        );
        const shown = [...zpl.matchAll(/\^FH_\^FD(.*)\^FS/g)].map(([, data = '']) =>
          data.replace(/_([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
        );
        expect(shown.join('').replaceAll(' ', '')).toContain(text.replaceAll(' ', ''));
      }),
      { numRuns: 300 },
    );
  });

  it('SVG has nothing but paths of numbers, PDF no byte of it', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(print('svg', labelOf(text)).toString()).toMatch(
          /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" [\w=". ]+>\n<rect [\w%=" #]+\/>\n(<path d="[MLQhvz\d. -]*"\/>\n)+<\/svg>\n$/,
        );
      }),
      { numRuns: 100 },
    );
    fc.assert(
      fc.property(
        hostile.filter((text) => text.length > 5),
        (text) => {
          expect(print('pdf', labelOf(text)).includes(text, 'latin1')).toBe(false);
        },
      ),
      { numRuns: 20 },
    );
  });

  it.each(['\u0000', '\n', '\u001d', '\u007f', '\u0090', '\u202e', '\u200b', '\u0301', '\ud800', '😀'])(
    'the character %j is refused',
    (character) => {
      expect(() => print('zpl', labelOf(`x${character}b`))).toThrowError(
        expect.objectContaining({ code: 'LBL-TEXT', at: '/text/product' }),
      );
    },
  );
});

describe('any elements', () => {
  const set82 = `!"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz`;
  const value = fc.array(fc.constantFrom(...set82.split('')), { minLength: 1, maxLength: 20 }).map((characters) => characters.join(''));
  const others = fc
    .record({ '21': value, '10': value, '17': fc.constantFrom('270831', '270200'), '240': value }, { requiredKeys: [] })
    .map((values) => Object.entries(values).map(([ai, text]): Element => ({ ai, value: text as string })));

  it('are read from a pack as they were given, in their order (codes.md §2)', async () => {
    await fc.assert(
      fc.asyncProperty(others, async (more) => {
        const elements: Element[] = [{ ai: '01', value: '09520123000110' }, ...more];
        const data = writeBracketed(elements);
        expect(readBracketed(data)).toEqual(elements);
        const [scan] = await scansOf(print('png', { data }));
        expect(readScan(scan as string)).toMatchObject({ symbology: 'd2', elements });
      }),
      { numRuns: 25 },
    );
  });
});

it('reads ten thousand labels and no more', () => {
  const bodyOf = (count: number) => Buffer.from(JSON.stringify({ labels: Array.from({ length: count }, () => ({ data: PACK })) }));
  expect(readLabels(bodyOf(LABELS_MAX), 'pdf')).toHaveLength(10_000);
  expect(() => readLabels(bodyOf(LABELS_MAX + 1), 'pdf')).toThrowError(expect.objectContaining({ code: 'REQ-LIMIT' }));
});
