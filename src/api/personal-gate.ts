import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isXml, personalText } from '../epcis/index.ts';
import { LotlineError } from '../errors.ts';
import type { ApiDeps } from './deps.ts';

/** Documents up to this size are searched for known persons before they are answered. */
const SEARCHED_MAX = 1024 * 1024;
const IDENTITY_NAMESPACE = 'urn:lotline:identity:';
const WRITES: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * Calls that are there to bring identities in, or that compare them: what they are told of a person goes to the vault, or becomes a commitment. Of the body
 * of the others nothing may say who anybody is, whether it is stored or only told to somebody.
 */
const BRINGS_IDENTITY = [
  '/api/v1/identity/patients',
  '/api/v1/identity/donors',
  '/api/v1/identity/patients/:ref/identity',
  '/api/v1/identity/patients/:ref/commitments',
  '/api/v1/identity/checks',
  '/api/v1/identity/check',
  '/api/v1/identity/sync',
];
/** In calls that compare identities, what people write beside it. */
const WRITTEN = /^(?:reason|note|condition|text|evidence|place)$/;
/** Of the staff, whose names are no patients'; codes as scanners send them, which are only read; lists of serial numbers, which are no texts. */
const LEFT_ALONE = /^\/(?:verify|api\/v1\/(?:people|sessions|scan|verifications|packs\/verify|pools\/:id\/(?:returns|imports)))(?:\/|$)/;
/** Members that are secrets, hashes, or the names of staff. */
const SECRET = /^(?:secret|token|tokens|signatures?|hash|publicKey|setupCode|login)$/;
/** Calls whose texts are people's own words about cells. Elsewhere, as in master data and links, companies have telephones and addresses. */
const IN_WORDS = /^\/api\/v1\/(?:identity|findings|keys|batches|pools|labels|reads|signing-tokens)(?:\/|$)/;

/**
 * Nothing that is kept says who a patient is (INV-27): free text is searched for what has the form of a name, a birth date, a number or a contact, and
 * every text for the words of persons that the vault knows. What is found is never repeated, nor is said whose it is.
 */
export function keepPersonsOut(app: FastifyInstance, { vault }: Pick<ApiDeps, 'vault'>): void {
  app.addHook('preHandler', async (request) => {
    const route = request.routeOptions.url ?? '';
    if (!WRITES.has(request.method) || LEFT_ALONE.test(route)) return;
    await searchAddress(request, vault);
    const { body } = request;
    if (body instanceof Buffer) await searchDocument(body, vault);
    else if (body !== undefined && body !== null) {
      const texts = [...textsOf(body)].filter(
        ([at]) => !BRINGS_IDENTITY.includes(route) || WRITTEN.test(at.slice(at.lastIndexOf('/') + 1)),
      );
      if (IN_WORDS.test(route)) refuseForms(texts);
      await refuseKnown(texts, vault);
    }
  });
}

type PlacedText = readonly [at: string, text: string];

/** Of what is put into the URL, copies stay in places that nobody erases. */
async function searchAddress(request: FastifyRequest, vault: ApiDeps['vault']): Promise<void> {
  const texts = [...Object.values((request.params ?? {}) as object), ...Object.values((request.query ?? {}) as object)].filter(isText);
  if (texts.length > 0 && (await vault.finds(...texts))) throw found('', 'the address of the request');
}

function refuseForms(texts: readonly PlacedText[]): void {
  for (const [at, text] of texts) {
    const what = personalText(text);
    if (what !== null) throw found(at, at === '' ? 'the body' : at, what);
  }
}

async function refuseKnown(texts: readonly PlacedText[], vault: ApiDeps['vault']): Promise<void> {
  const finds = (list: readonly PlacedText[]) => vault.finds(...list.map(([, text]) => text));
  if (texts.length === 0 || !(await finds(texts))) return;
  // Which of them it is, is told by its place alone.
  let among = texts;
  while (among.length > 1) {
    const half = among.slice(0, among.length >> 1);
    among = (await finds(half)) ? half : among.slice(half.length);
  }
  const [at] = among[0] as PlacedText;
  throw found(at, at === '' ? 'the body' : at);
}

/** Events that concern somebody's cells are searched for forms where they are read (epcis/json/personal.ts); here, every document for known persons. */
async function searchDocument(body: Buffer, vault: ApiDeps['vault']): Promise<void> {
  if (!(await vault.inUse())) return;
  if (body.length > SEARCHED_MAX) {
    if (!body.includes(IDENTITY_NAMESPACE)) return;
    throw new LotlineError(
      'REQ-LIMIT',
      `a document with fields of chain of identity has more than ${SEARCHED_MAX} bytes: it is searched for personal data first`,
      {
        fix: 'Send it in smaller documents.',
      },
    );
  }
  const text = body.toString('utf8');
  if (await vault.finds(...(isXml(body) ? textsOfXml(text) : textsOfJson(text)))) throw found('', 'the document');
}

/** What is no JSON is refused where it is read. */
function textsOfJson(text: string): string[] {
  try {
    return [...textsOf(JSON.parse(text))].map(([, one]) => one);
  } catch {
    return [text];
  }
}

function textsOfXml(text: string): string[] {
  const parts = [...text.matchAll(/<!\[CDATA\[([\s\S]*?)\]\]>|="([^"]*)"|='([^']*)'|>([^<]+)</g)];
  return parts.map(([, cdata, double, single, between]) => cdata ?? unescaped(double ?? single ?? between ?? ''));
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const unescaped = (text: string): string =>
  text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi, (whole, hex?: string, dec?: string, name?: string) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const code = hex === undefined ? Number(dec) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });

/** Every text below a value with its place, names of members too; not the contexts of JSON-LD, nor secrets. However deep it is. */
function* textsOf(root: unknown): Generator<PlacedText> {
  const open: [at: string, value: unknown][] = [['', root]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [at, value] = next;
    if (isText(value)) yield [at, value];
    else if (Array.isArray(value)) for (let i = value.length - 1; i >= 0; i--) open.push([`${at}/${i}`, value[i]]);
    else if (typeof value === 'object' && value !== null)
      for (const [name, inner] of Object.entries(value).reverse()) {
        if (SECRET.test(name)) continue;
        yield [at, name];
        if (name !== '@context') open.push([`${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, inner]);
      }
  }
}

const isText = (value: unknown): value is string => typeof value === 'string';

const found = (at: string, where: string, what?: string): LotlineError =>
  new LotlineError('PII-FOUND', `${where} ${what === undefined ? 'names a person whom the vault knows' : `has ${what} in it`}`, {
    at,
    fix: 'Leave the person out, and say patientRef, the order or the chain of identity instead: what is put on record cannot be taken back.',
  });
