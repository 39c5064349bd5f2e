import type { FastifyReply, FastifyRequest } from 'fastify';
import { LotlineError } from '../errors.ts';
import { EPC_FORMATS } from '../identifiers/index.ts';
import { VERSION } from '../settings.ts';

/** The versions of EPCIS and CBV that are read and written. */
export const EPCIS_VERSION = '2.0.0';
export const CBV_VERSION = '2.0.0';
const ANNOUNCED = '2.0';

/** What OPTIONS tells of every resource. */
const DISCOVERY = {
  'gs1-epcis-version': EPCIS_VERSION,
  'gs1-epcis-min': ANNOUNCED,
  'gs1-epcis-max': ANNOUNCED,
  'gs1-cbv-version': CBV_VERSION,
  'gs1-cbv-min': ANNOUNCED,
  'gs1-cbv-max': ANNOUNCED,
  'gs1-epc-format': EPC_FORMATS.join(', '),
  'gs1-extensions': 'cbvmda=urn:epcglobal:cbv:mda:',
  'gs1-vendor-version': `lotline/${VERSION}`,
};

/** Answers OPTIONS: 204, what may be done here, and what is supported. */
export function answerOptions(reply: FastifyReply, allow: string, more: Readonly<Record<string, string>> = {}): FastifyReply {
  return reply
    .code(204)
    .headers({ ...DISCOVERY, allow, ...more })
    .send();
}

/** Compares versions by their numbers; missing ones count 0, so that 2.0 equals 2.0.0. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Hook of everything under /epcis: the version headers of the request must be readable, and leave room for ours; the answer says what it is. */
export async function checkVersionHeaders(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  for (const [name, ours] of [
    ['EPCIS', EPCIS_VERSION],
    ['CBV', CBV_VERSION],
  ] as const) {
    const min = versionHeader(request, `GS1-${name}-Min`);
    const max = versionHeader(request, `GS1-${name}-Max`);
    versionHeader(request, `GS1-${name}-Version`);
    if ((min !== null && compareVersions(min, ours) > 0) || (max !== null && compareVersions(max, ours) < 0)) {
      throw new LotlineError('REQ-ACCEPT', `${name} ${ours} is not within GS1-${name}-Min and GS1-${name}-Max`, {
        at: min !== null && compareVersions(min, ours) > 0 ? `GS1-${name}-Min` : `GS1-${name}-Max`,
        fix: `Leave room for ${name} ${ANNOUNCED}, which is what is written here.`,
      });
    }
  }
  void reply.headers({ 'gs1-epcis-version': EPCIS_VERSION, 'gs1-cbv-version': CBV_VERSION });
}

/** The version that a header gives; null where it is absent. `GS1-EPCIS-Version` on a POST tells of the document sent. */
export function versionHeader(request: FastifyRequest, name: string): string | null {
  const value = request.headers[name.toLowerCase()];
  if (value === undefined) return null;
  if (typeof value === 'string' && /^\d{1,9}(\.\d{1,9}){0,9}$/.test(value)) return value;
  throw new LotlineError('REQ-FORM', `${name} is no version: ${String(value).slice(0, 50)}`, { at: name, fix: 'Write it like 2.0.0.' });
}

/** Refuses a document whose version is not the one that the header tells, or that we do not read. */
export function checkDocumentVersion(request: FastifyRequest, schemaVersion: string | null): void {
  const told = versionHeader(request, 'GS1-EPCIS-Version');
  if (told === null) return;
  const minor = (version: string) => version.split('.').slice(0, 2).join('.');
  if (compareVersions(minor(told), ANNOUNCED) !== 0) {
    throw new LotlineError('REQ-FORM', `GS1-EPCIS-Version is ${told}; JSON documents are read as ${ANNOUNCED}`, {
      at: 'GS1-EPCIS-Version',
      fix: `Send the document as EPCIS ${ANNOUNCED} and say so, or leave the header out.`,
    });
  }
  if (schemaVersion !== null && compareVersions(minor(schemaVersion), minor(told)) !== 0) {
    throw new LotlineError('REQ-FORM', `GS1-EPCIS-Version is ${told}, but the document's schemaVersion is ${schemaVersion}`, {
      at: '/schemaVersion',
      fix: 'Make the two agree, or leave the header out.',
    });
  }
}
