import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../test/support/epcis-documents.ts';
import { bare, type Json, observe, packOf, partyOf, siteOf } from '../../test/support/events.ts';
import { isRefused, readDocument } from '../epcis/index.ts';
import { partiesOf } from './party.ts';

const parties = (step: string, more: Json) => {
  const [read] = readDocument(bytesOf(bare(observe(0, packOf(1), { step }, more))), { bare: true }).events();
  if (read === undefined || isRefused(read)) throw new Error(JSON.stringify(read));
  return partiesOf(read.event);
};
const from = (type: string, party: number) => ({ type, source: partyOf(party) });
const to = (type: string, party: number) => ({ type, destination: partyOf(party) });
const keyOf = (party: number) => `414/${{ 1: '9520123000011', 2: '9520123000028', 3: '9520123000035', 4: '9520123000042' }[party]}`;

describe('the party of an event (design.md §7)', () => {
  const everything = {
    sourceList: [from('owning_party', 1), from('possessing_party', 2)],
    destinationList: [to('owning_party', 3), to('possessing_party', 4)],
    readPoint: { id: siteOf(1) },
  };

  it('is where things come to when they are received, and where they come from otherwise', () => {
    for (const step of ['receiving', 'accepting']) expect(parties(step, everything)).toEqual({ party: keyOf(4), owner: keyOf(3) });
    for (const step of ['shipping', 'commissioning', 'storing'])
      expect(parties(step, everything)).toEqual({ party: keyOf(2), owner: keyOf(1) });
  });

  it('is the owning party where no possessing one is named, and the other way round for the owner', () => {
    expect(parties('receiving', { destinationList: [to('owning_party', 3)] })).toEqual({ party: keyOf(3), owner: keyOf(3) });
    expect(parties('receiving', { destinationList: [to('possessing_party', 4)] })).toEqual({ party: keyOf(4), owner: keyOf(4) });
  });

  it('is else the GLN of bizLocation, else of readPoint, without its extension', () => {
    expect(parties('receiving', { bizLocation: { id: siteOf(2, 'hall') }, readPoint: { id: siteOf(1, 'dock') } })).toEqual({
      party: keyOf(2),
      owner: keyOf(2),
    });
    expect(parties('receiving', { readPoint: { id: siteOf(1, 'dock') } })).toEqual({ party: keyOf(1), owner: keyOf(1) });
    expect(parties('receiving', { bizLocation: { id: 'https://example.com/hall' }, readPoint: { id: siteOf(1) } }).party).toBe(keyOf(1));
    expect(parties('receiving', {})).toEqual({ party: null, owner: null });
  });

  it('is the same whether it is written as a party or as a location', () => {
    const source = (id: string) => ({ sourceList: [{ type: 'possessing_party', source: id }] });
    expect(parties('shipping', source(partyOf(2)))).toEqual(parties('shipping', source('https://id.gs1.org/414/9520123000028')));
  });

  it('may be anything that has a name', () => {
    expect(parties('shipping', { sourceList: [{ type: 'possessing_party', source: 'https://example.com/us' }] }).party).toBe(
      'https://example.com/us',
    );
  });
});
