import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { e01 } from '../../worlds/index.ts';
import { wordsOfIdentity, wordsOfText } from './words.ts';

const meets = (identity: Record<string, string>, ...texts: string[]) => {
  const words = new Set(wordsOfText(texts));
  return wordsOfIdentity(identity).some((word) => words.has(word));
};

describe('the words by which a known person is found (INV-27)', () => {
  it.each([
    [{ name: 'Erika Mustermann' }, 'told by MUSTERMANN', true],
    [{ name: 'Mustermann, Erika' }, 'told by Erika', true],
    [{ name: 'Jürgen Müßig' }, 'Juergen', true],
    [{ name: 'Jürgen Müßig' }, 'muessig', true],
    [{ name: 'Juergen Muessig' }, 'Jürgen', true],
    [{ name: 'Øyvind Ångström' }, 'Angstrom', true],
    [{ name: 'Dvořák' }, 'dvorak1961', true],
    [{ name: '欧阳靐龘' }, '患者欧阳靐龘到院', true],
    [{ name: 'Рилова Анна' }, 'РИЛОВА', true],
    [{ name: "O'Brannagh" }, 'o’brannagh', true],
    [{ name: 'Erika Mustermann' }, 'urn:uuid:x:ERIKA', true],
    [{ name: 'Rose Green' }, 'the green label, a rose', false],
    [{ name: 'Rose Green' }, 'seen by Green, Rose', true],
    [{ name: 'Sample-Family-1, Given 1' }, 'a sample was given to the family', false],
    [{ name: 'Sample-Family-1, Given 1' }, 'given 1 hour later, family 1', false],
    [{ name: 'Rose Mary Green' }, 'Green, Rose M.', true],
    [{ birthDate: '1961-04-12' }, 'on 12.04.1961', true],
    [{ birthDate: '1961-04-12' }, 'on 4/12/1961', true],
    [{ birthDate: '1961-04-12' }, '12041961', true],
    [{ birthDate: '1961-04-12' }, '1961-04-12T08:00:00Z', false],
    [{ birthDate: '1961-04-12' }, 'urn:epc:id:sgtin:0952012.000011.12041961', false],
    [{ recordNumber: 'MRN 77-4711' }, 'MRN77-4711', true],
    [{ recordNumber: '77-4711' }, 'no. 774711', true],
    [{ recordNumber: '774711' }, 'urn:epc:id:sgtin:0952012.000011.774711', false],
    [{ recordNumber: '774711' }, 'https://id.gs1.org/01/09520123000110/21/774711', false],
    [{ recordNumber: '12' }, '12', false],
    [{ phone: '+49 30 901820-0' }, '030/9018200', true],
    [{ email: 'Erika@Klinik.example' }, 'ask <erika@klinik.example>', true],
    [{ address: 'Lindenallee 12, Bonn' }, 'lives at lindenallee 12 bonn', true],
    [{ address: 'Lindenallee 12, Bonn' }, 'shipped to Bonn', false],
  ])('%j in %j: %s', (identity, text, found) => {
    expect(meets(identity as Record<string, string>, text)).toBe(found);
  });

  it('finds a name wherever in a text it stands', () => {
    fc.assert(
      fc.property(fc.lorem(), fc.lorem(), (before, after) => {
        expect(meets({ name: 'Erika Mustermann' }, `${before} mustermann ${after}`)).toBe(true);
      }),
    );
  });

  it('is no slower than the text is long, and finds nobody of common names in what a packaging line tells', () => {
    const people = [{ name: 'Anna Schmidt', birthDate: '1961-04-12', recordNumber: '100200' }, { name: 'Rose Green' }, { name: '王小明' }];
    for (const { text } of e01()) {
      const texts = [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, one]) => one as string);
      for (const person of people) expect(meets(person, ...texts)).toBe(false);
    }
  });
});
