import { describe, expect, it } from 'vitest';
import { documentOf, objectEvent } from '../../../test/support/epcis-documents.ts';
import { isRefused } from '../json/read.ts';
import { readDocument } from '../syntax.ts';
import { isCbvCompliant } from './compliance.ts';

const complies = (event: object): boolean => {
  const [read] = [...readDocument(Buffer.from(JSON.stringify(documentOf([event])))).events()];
  if (read === undefined || isRefused(read)) throw new Error('the event is refused');
  return isCbvCompliant(read.event);
};

describe('an event', () => {
  it('complies with the CBV when it has a business step and standard values only (V-7)', () => {
    expect(complies(objectEvent())).toBe(true);
    expect(complies({ ...objectEvent(), bizStep: 'https://ref.gs1.org/cbv/BizStep-shipping' })).toBe(true);
  });

  it.each([
    ['without a business step', { bizStep: undefined }],
    ['with a business step of its own', { bizStep: 'ex:weighing' }],
    ['with a disposition of its own', { disposition: 'http://ns.example.com/epcis/asleep' }],
    ['with a persistent disposition of its own', { persistentDisposition: { set: ['ex:asleep'] } }],
    ['with a type of transaction of its own', { bizTransactionList: [{ type: 'ex:note', bizTransaction: 'urn:example:1' }] }],
    ['with a reason of its own', { errorDeclaration: { declarationTime: '2026-03-02T08:00:00Z', reason: 'ex:slip' } }],
    ['of a type of its own', { type: 'ex:LabEvent', action: undefined, epcList: undefined, ilmd: undefined, disposition: undefined }],
  ])('%s is only compatible with it (V-7)', (_what, change) => {
    expect(complies({ ...objectEvent(), ...change })).toBe(false);
  });
});
