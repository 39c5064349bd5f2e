import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CbvXmlFormat, XmlVersion } from '../epcis/index.ts';
import { LotlineError } from '../errors.ts';
import { EPC_FORMATS } from '../identifiers/index.ts';
import { VERSION } from '../settings.ts';
import { accepted } from './negotiate.ts';

/** The releases that events are written in, the newest first: everything in 2.0, and as XML 1.2 for systems of old. */
export const RELEASES = [
  { epcis: '2.0.0', cbv: '2.0.0', xml: '2.0' },
  { epcis: '1.2.0', cbv: '1.2.0', xml: '1.2' },
] as const satisfies { epcis: string; cbv: string; xml: XmlVersion }[];
export type Release = (typeof RELEASES)[number];
const [NEWEST, OLDEST] = RELEASES;

export const JSON_TYPES = ['application/json', 'application/ld+json'] as const;
export const XML_TYPES = ['application/xml', 'text/xml'] as const;
export type DocumentType = (typeof JSON_TYPES | typeof XML_TYPES)[number];

export const CBV_XML_FORMATS = ['No_Preference', 'Always_Web_URI', 'Always_URN', 'Never_Translates'] as const satisfies CbvXmlFormat[];

const short = (version: string) => version.split('.').slice(0, 2).join('.');

/** What OPTIONS tells of every resource. */
const DISCOVERY = {
  'gs1-epcis-version': NEWEST.epcis,
  'gs1-epcis-min': short(OLDEST.epcis),
  'gs1-epcis-max': short(NEWEST.epcis),
  'gs1-cbv-version': NEWEST.cbv,
  'gs1-cbv-min': short(OLDEST.cbv),
  'gs1-cbv-max': short(NEWEST.cbv),
  'gs1-epc-format': EPC_FORMATS.join(', '),
  'gs1-cbv-xml-format': CBV_XML_FORMATS.join(', '),
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

/** Hook of everything under /epcis: the version headers of the request must be readable, and leave room for a release; the answer says which. */
export async function checkVersionHeaders(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  for (const name of ['EPCIS', 'CBV']) versionHeader(request, `GS1-${name}-Version`);
  const [release] = releasesWanted(request);
  if (release === undefined) {
    throw new LotlineError('REQ-ACCEPT', `no release is within ${BOUNDS.map(({ header }) => header).join(', ')}`, {
      at: BOUNDS.find((bound) => !RELEASES.some((one) => isWithin(request, bound, one)))?.header ?? 'GS1-EPCIS-Max',
      fix: `Leave room for EPCIS and CBV ${short(NEWEST.epcis)}, or in XML for ${short(OLDEST.epcis)}.`,
    });
  }
  tellRelease(reply, release.xml);
}

const BOUNDS = (['epcis', 'cbv'] as const).flatMap((of) => [
  { header: `GS1-${of.toUpperCase()}-Min`, of, sign: 1 },
  { header: `GS1-${of.toUpperCase()}-Max`, of, sign: -1 },
]);

/** The releases within the bounds that the client sets, the newest first. */
function releasesWanted(request: FastifyRequest): Release[] {
  return RELEASES.filter((release) => BOUNDS.every((bound) => isWithin(request, bound, release)));
}

function isWithin(request: FastifyRequest, { header, of, sign }: (typeof BOUNDS)[number], release: Release): boolean {
  const bound = versionHeader(request, header);
  return bound === null || compareVersions(release[of], bound) * sign >= 0;
}

/** Whether the client says which releases it takes. */
export function boundsRelease(request: FastifyRequest): boolean {
  return BOUNDS.some(({ header }) => request.headers[header.toLowerCase()] !== undefined);
}

/** Says of an answer which release it is in. */
export function tellRelease(reply: FastifyReply, version: XmlVersion): void {
  const { epcis, cbv } = RELEASES.find(({ xml }) => xml === version) as Release;
  void reply.headers({ 'gs1-epcis-version': epcis, 'gs1-cbv-version': cbv });
}

/** How events are to be answered: the media type; null for JSON, else the release of XML, and how it spells standard values (V-6). */
export function eventForm(
  request: FastifyRequest,
  reply: FastifyReply,
): { type: DocumentType; xml: { version: XmlVersion; words: CbvXmlFormat } | null } {
  const asked = request.headers['gs1-cbv-xml-format'];
  const words = asked === undefined ? 'No_Preference' : CBV_XML_FORMATS.find((name) => name === asked);
  if (words === undefined)
    throw new LotlineError('REQ-FORM', `GS1-CBV-XML-Format is ${String(asked).slice(0, 50)}`, {
      at: 'GS1-CBV-XML-Format',
      fix: `Write ${CBV_XML_FORMATS.join(', ')}, or leave the header out.`,
    });
  const release = releasesWanted(request)[0] ?? NEWEST;
  const type: DocumentType = accepted<DocumentType>(request, release === NEWEST ? [...JSON_TYPES, ...XML_TYPES] : [...XML_TYPES]);
  tellRelease(reply, release.xml);
  if (isXmlType(type)) {
    void reply.header('gs1-cbv-xml-format', words);
    return { type, xml: { version: release.xml, words } };
  }
  return { type, xml: null };
}

/** Whether a media type, with or without parameters, is one of XML. */
export function isXmlType(type: string | undefined): boolean {
  const [name = ''] = (type ?? '').split(';');
  return (XML_TYPES as readonly string[]).includes(name.trim().toLowerCase());
}

/** The version that a header gives; null where it is absent. `GS1-EPCIS-Version` on a POST tells of the document sent. */
export function versionHeader(request: FastifyRequest, name: string): string | null {
  const value = request.headers[name.toLowerCase()];
  if (value === undefined) return null;
  if (typeof value === 'string' && /^\d{1,9}(\.\d{1,9}){0,9}$/.test(value)) return value;
  throw new LotlineError('REQ-FORM', `${name} is no version: ${String(value).slice(0, 50)}`, { at: name, fix: 'Write it like 2.0.0.' });
}

/** Refuses a document whose version is not the one that the header tells, or that is not read in its syntax. */
export function checkDocumentVersion(request: FastifyRequest, document: { schemaVersion: string | null; xml: boolean }): void {
  const told = versionHeader(request, 'GS1-EPCIS-Version');
  if (told === null) return;
  const { schemaVersion, xml } = document;
  if (compareVersions(short(told), '2.0') !== 0 && !(xml && /^1(\.[012])?(\.|$)/.test(told))) {
    throw new LotlineError(
      'REQ-FORM',
      `GS1-EPCIS-Version is ${told}; ${xml ? 'XML is read as 1.0 to 1.2 and 2.0' : 'JSON is read as 2.0'}`,
      {
        at: 'GS1-EPCIS-Version',
        fix: 'Send the document in a version that is read and say so, or leave the header out.',
      },
    );
  }
  if (schemaVersion !== null && compareVersions(short(schemaVersion), short(told)) !== 0) {
    throw new LotlineError('REQ-FORM', `GS1-EPCIS-Version is ${told}, but the document's schemaVersion is ${schemaVersion}`, {
      at: xml ? '/*/@schemaVersion' : '/schemaVersion',
      fix: 'Make the two agree, or leave the header out.',
    });
  }
}
