import type { Random } from '../../src/worlds/random.ts';
import { mutateBytes, mutateJson, mutateText, mutateXml, oddText, wellFormed } from './mutate.ts';
import type { Seeds } from './seeds.ts';

export type FuzzRequest = {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer | null;
  /** What Content-Length says, where it is not the truth. */
  readonly length?: number;
};

type Schema = {
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly { readonly const?: string }[];
  readonly example?: unknown;
};
type Parameter = { readonly name: string; readonly in: string; readonly required?: boolean; readonly schema?: Schema };
type Media = { readonly schema?: { readonly example?: unknown }; readonly example?: unknown };
/** One call of the interface, as its own description tells it. */
export type Call = {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** The example of its body, where it takes a small one. */
  readonly example: unknown;
  readonly takesBody: boolean;
};

/** What is not called with made-up values: it would send requests to places that chance names. */
const LEFT_OUT = /\/subscriptions$/;
/** A stream of what happens: it has no end, so it is no answer that could be waited for. */
const ENDLESS = /\/findings\/stream$/;

/** Every call that the description of the interface names. */
export function callsOf(openapi: {
  paths: Record<string, Record<string, { parameters?: Parameter[]; requestBody?: { content: Record<string, Media> } }>>;
}): Call[] {
  return Object.entries(openapi.paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([method]) => !(method === 'post' && LEFT_OUT.test(path)) && !ENDLESS.test(path))
      .map(([method, { parameters = [], requestBody }]) => {
        const [media] = Object.values(requestBody?.content ?? {});
        return {
          method: method.toUpperCase(),
          path,
          parameters,
          example: media?.schema?.example ?? media?.example,
          takesBody: requestBody !== undefined,
        };
      }),
  );
}

const JSON_TYPES = ['application/json', 'application/ld+json'];
const DOCUMENT_CALLS = ['/epcis/capture', '/epcis/capture', '/api/v1/check', '/api/v1/hash'];

/** A request that somebody could send: most of it as it should be, and something in it as it should not. */
export function makeRequest(random: Random, calls: readonly Call[], seeds: Seeds, key: string): FuzzRequest {
  const kind = random.below(10);
  const request = kind < 3 ? documentRequest(random, seeds) : callRequest(random, random.pick(calls), seeds);
  const headers = [['Authorization', `Bearer ${key}`] as const, ...request.headers];
  return kind === 9 ? { ...request, ...oddHeaders(random, headers, request) } : { ...request, headers };
}

function documentRequest(random: Random, seeds: Seeds): FuzzRequest {
  const headers: [string, string][] = random.perMille(300)
    ? [['GS1-Capture-Error-Behaviour', random.pick(['proceed', 'rollback', 'all', ''])]]
    : [];
  const asXml = random.perMille(300);
  const bare = !asXml && random.perMille(300);
  const text = asXml
    ? wellFormed(mutateXml(random, random.pick(seeds.xml)))
    : JSON.stringify(mutateJson(random, random.pick(bare ? seeds.events : seeds.documents), seeds.documents));
  const bytes = Buffer.from(text);
  return {
    method: 'POST',
    target: bare ? random.pick(['/epcis/events', '/api/v1/check', '/api/v1/hash']) : random.pick(DOCUMENT_CALLS),
    headers: [...headers, ['Content-Type', asXml ? random.pick(['application/xml', 'text/xml']) : random.pick(JSON_TYPES)]],
    body: random.perMille(150) ? mutateBytes(random, bytes) : bytes,
  };
}

function callRequest(random: Random, call: Call, seeds: Seeds): FuzzRequest {
  const value = (parameter: Parameter): string => {
    const sound = soundValue(random, parameter, seeds);
    return random.perMille(750) ? sound : random.perMille(700) ? mutateText(random, sound) : oddText(random);
  };
  const named = (name: string): Parameter => call.parameters.find((one) => one.name === name) ?? { name, in: 'path' };
  const path = call.path.replace(/\{(\w+|\*)\}/g, (_, name: string) => encode(random, value(named(name))));
  const inQuery = call.parameters.filter((one) => one.in === 'query');
  // A question that lacks what it is about is soon answered.
  const asked = new Set(inQuery.filter(({ required }) => required && random.perMille(970)));
  for (let more = inQuery.length === 0 ? 0 : random.below(3); more > 0; more--) asked.add(random.pick(inQuery));
  const search = [...asked].map((one) => {
    const name = one.name.replace(/\{\w+\}/g, () => random.pick(NAME_ENDS));
    const values = Array.from({ length: random.perMille(150) ? random.between(2, 40) : 1 }, () => value(one));
    return `${encode(random, random.perMille(30) ? mutateText(random, name) : name)}=${values.map((text) => encode(random, text)).join(random.pick(['%7C', '|']))}`;
  });
  const headers: [string, string][] = call.parameters
    .filter((one) => one.in === 'header' && random.perMille(30))
    .map((one) => [one.name, headerValue(value(one))]);
  const target = search.length === 0 ? path : `${path}?${search.join('&')}`;
  if (!call.takesBody) return { method: call.method, target, headers, body: null };
  const sound = call.example ?? random.pick([...seeds.events, ...seeds.documents]);
  const bytes = Buffer.from(JSON.stringify(mutateJson(random, sound, [...seeds.documents, sound])) ?? '');
  const body = random.perMille(150) ? mutateBytes(random, bytes) : bytes;
  return { method: call.method, target, headers: [...headers, ['Content-Type', 'application/json']], body };
}

/** What stands in the names of parameters where the description has a brace. */
const NAME_ENDS = [
  'KGM',
  'CEL',
  'ex:weight',
  'cbvmda:lotNumber',
  'po',
  'possessing_party',
  'http://ns.example.com/epcis/weight',
  'ILMD_cbvmda:lotNumber',
  'name',
  'x',
  '',
];
const NUMBERS = ['1', '2', '5', '30', '1000', '0', '-1', '1.5', '1e3', '99999999999999999999'];
const TIMES = ['2026-03-01T08:15:00Z', '2026-03-01T08:15:00.0001+01:00', '2000-01-01T00:00:00Z', '2099-01-01T00:00:00Z'];
const TOKENS = ['', '[]', '["9999999999999","x","-1"]', 'null', '[1,2,3]', '{"through":0}'];
/** By what a parameter's name says of it. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  'GS1-EPCIS-Min': ['2.0', '2.0.0', '1.2'],
  'GS1-EPCIS-Max': ['2.0', '2.0.0', '3'],
  'GS1-CBV-Min': ['2.0'],
  'GS1-CBV-Max': ['2.0'],
  'GS1-Extensions': ['ex=http://ns.example.com/epcis/', 'ex=http://ns.example.com/epcis/,own=urn:x:'],
  eventType: ['ObjectEvent', 'AggregationEvent', 'TransformationEvent'],
  EQ_action: ['ADD', 'OBSERVE', 'DELETE'],
  EQ_bizStep: ['shipping', 'commissioning', 'packing'],
  EQ_disposition: ['active', 'in_transit'],
  orderBy: ['eventTime', 'recordTime'],
  depth: ['1', '2', 'all'],
  vocabularyName: ['Location', 'Party', 'EPCClass'],
  HASATTR: ['name', 'cbvmda:city'],
  state: ['open', 'closed'],
  code: ['SN-DUP', 'EV-DUP'],
  event: ['0', '1', '17'],
  type: ['Location', 'Party'],
  index: ['000', '000.p/7', 'x001/000'],
};

function soundValue(random: Random, { name, schema = {} }: Parameter, seeds: Seeds): string {
  const { enum: words, example, type, format, anyOf } = schema;
  const known = words ?? WORDS[name] ?? anyOf?.flatMap((one) => one.const ?? []);
  if (known !== undefined && known.length > 0) return String(random.pick(known));
  if (example !== undefined && random.perMille(300)) return String(example as string);
  if (name === 'nextPageToken') return Buffer.from(random.pick(TOKENS)).toString('base64url');
  if (type === 'integer' || type === 'number' || /quantity/i.test(name)) return random.pick(NUMBERS);
  if (type === 'boolean') return random.pick(['true', 'false']);
  if (format === 'date-time' || name === 'at' || name === 'known') return random.pick(TIMES);
  return random.pick(random.perMille(700) ? seeds.identifiers : seeds.texts);
}

/** Percent-encoded, now and then by halves. */
function encode(random: Random, text: string): string {
  return random.perMille(30) ? wellFormed(text).replace(/[^\x21-\x7E]|[?#]/g, '%') : encodeURIComponent(wellFormed(text));
}

/** What a header can hold at all. */
const headerValue = (text: string): string => text.replace(/[^\x20-\x7E]/g, '?');

/** Headers that are doubled, long, strange or untrue; a length that is not the body's. */
function oddHeaders(
  random: Random,
  headers: FuzzRequest['headers'],
  { body }: FuzzRequest,
): Partial<FuzzRequest> & Pick<FuzzRequest, 'headers'> {
  const odd = (): readonly [string, string] =>
    random.pick([
      ['Accept', random.pick(['text/html', 'application/xml', '*/*;q=0', 'application/json;q=x', ',,,;;;', 'a/'.repeat(500)])],
      [
        'Content-Type',
        random.pick([
          'application/xml; charset=utf-16',
          'application/json; charset=latin1',
          'text/plain',
          '',
          ';',
          'application/json;'.repeat(99),
          'multipart/form-data; boundary=x',
        ]),
      ],
      ['Content-Encoding', random.pick(['gzip', 'identity', 'br, gzip', ''])],
      ['GS1-EPCIS-Min', random.pick(['3.0', '2', '2.0.0.0.0', '-1', '9'.repeat(50), 'x'])],
      ['GS1-CBV-Max', random.pick(['1.0', '2.0', '', '2..0'])],
      ['GS1-EPC-Format', random.pick(['Always_EPC_URN', 'Never_Translates', 'nothing', ''])],
      [
        'GS1-Extensions',
        random.pick(['ex=http://ns.example.com/epcis/', 'ex', '=,=', 'cbv=urn:x:y', 'a=b:c,'.repeat(300), '__proto__=urn:x:y']),
      ],
      ['GS1-EPCIS-Version', random.pick(['1.2', '2.0', '2.0.0', 'x'])],
      ['Authorization', random.pick(['Bearer', 'Basic eDp5', 'Bearer x', `Bearer ${'y'.repeat(5_000)}`, ''])],
      ['Origin', random.pick(['null', 'https://app.example', 'x'])],
      ['Expect', '100-continue'],
      ['Transfer-Encoding', random.pick(['chunked', 'gzip, chunked', 'x'])],
      ['Connection', random.pick(['Upgrade', 'close, x', ''])],
      ['Upgrade', 'websocket'],
      ['X-Request-Id', random.pick(['a b', 'x'.repeat(500), '<script>'])],
      ['Range', 'bytes=0-1,5-'],
      [random.pick(['a b', 'x:y', '', '\u00e9']), 'x'],
      ['X-Long', 'x'.repeat(random.pick([8_000, 70_000]))],
    ] as const);
  const more = Array.from({ length: random.between(1, 3) }, odd);
  const length = body !== null && random.perMille(150) ? { length: Math.max(0, body.length + random.between(-20, 20)) } : {};
  return { headers: random.perMille(200) ? more : [...headers, ...more], ...length };
}
