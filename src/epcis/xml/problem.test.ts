import { describe, expect, it } from 'vitest';
import { canValidateXml, xsdFaults } from '../../../test/support/xsd.ts';
import { LotlineError } from '../../errors.ts';
import { captureJobToXml, problemToXml } from './problem.ts';
import { serializeXml } from './serialize.ts';

const problem = new LotlineError('ID-CHECK', 'check digit <6>', {
  at: '/epcList/0',
  fix: 'Correct it.',
  things: ['01/1', '01/2'],
}).toProblem();
const job = {
  captureID: 'c',
  running: false,
  success: true,
  captureErrorBehaviour: 'rollback',
  createdAt: '2026-03-01T09:00:00Z',
} as const;

describe('a problem in XML (§8)', () => {
  it('is an EPCISException with the members of RFC 7807, and ours in a namespace of our own', () => {
    expect(serializeXml(problemToXml({ ...problem, instance: 'urn:x:1' }))).toBe(
      '<epcis:EPCISException xmlns:epcis="urn:epcglobal:epcis:xsd:2" xmlns:lotline="urn:lotline:problem"><type>epcisException:ValidationException</type>' +
        '<title>check digit &lt;6&gt;</title><status>400</status><detail>check digit &lt;6&gt; (at /epcList/0). Correct it.</detail><instance>urn:x:1</instance>' +
        '<lotline:code>ID-CHECK</lotline:code><lotline:at>/epcList/0</lotline:at><lotline:fix>Correct it.</lotline:fix>' +
        '<lotline:thing>01/1</lotline:thing><lotline:thing>01/2</lotline:thing></epcis:EPCISException>',
    );
  });

  it('holds every fault of a refused document', () => {
    expect(serializeXml(problemToXml({ type: 't', title: 'T', errors: [problem] }))).toMatch(
      /<title>T<\/title><lotline:error><type>.*<\/lotline:error><\/epcis:EPCISException>$/,
    );
  });
});

describe('a capture job in XML (R-16)', () => {
  it('has its state as attributes, and no list of errors when there are none (T-12)', () => {
    expect(serializeXml(captureJobToXml({ ...job, finishedAt: '2026-03-01T09:00:01Z', errors: [] }))).toBe(
      '<epcis:EPCISCaptureJob xmlns:epcis="urn:epcglobal:epcis:xsd:2" running="false" success="true" captureID="c">' +
        '<captureErrorBehaviour>rollback</captureErrorBehaviour><createdAt>2026-03-01T09:00:00Z</createdAt><finishedAt>2026-03-01T09:00:01Z</finishedAt></epcis:EPCISCaptureJob>',
    );
  });

  it('names the file of its errors in their place', () => {
    expect(serializeXml(captureJobToXml({ ...job, errorFile: 'https://example.com/e', errors: [problem] }))).toContain(
      '<errorFile>https://example.com/e</errorFile></epcis:EPCISCaptureJob>',
    );
  });
});

describe.skipIf(!canValidateXml())('problems and jobs', () => {
  it('are valid against the official schema', () => {
    const elements = {
      problem: problemToXml(problem),
      bare: problemToXml({ type: 't', title: '' }),
      refused: problemToXml({ ...problem, errors: [problem, problem] }),
      running: captureJobToXml({ ...job, running: true }),
      failed: captureJobToXml({ ...job, success: false, errors: [problem, problem] }),
      filed: captureJobToXml({ ...job, errorFile: 'https://example.com/e' }),
    };
    const texts = new Map(
      Object.entries(elements).map(([name, element]) => [name, serializeXml(element, { declaration: true, indent: 2 })]),
    );
    expect([...xsdFaults('2.0', texts).values()]).toEqual(Object.values(elements).map(() => ''));
  });
});
