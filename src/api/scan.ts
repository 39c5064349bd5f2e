import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { allows, rolesWith } from '../access/index.ts';
import {
  LAYOUTS,
  type Layout,
  readArrival,
  type ScanProblem,
  type ScanReading,
  SETUP_ELEMENTS,
  workOutSetup,
  writeElementString,
} from '../identifiers/index.ts';
import { type MeantElement, probablyMeant } from '../identifiers/scan/probably-meant.ts';
import { principalOf } from './authenticate.ts';
import { readSmallJson } from './bodies.ts';
import type { ApiDeps } from './deps.ts';
import { callerOf } from './verify.ts';

/** More than several large symbols in one read. */
const SCAN_MAX = 8_192;

const text = (description: string, maxLength: number) => Type.String({ description, maxLength });
const LAYOUT = Type.Unsafe<Layout>({ type: 'string', enum: LAYOUTS, description: 'Keyboard layout.' });
const PROFILE = Type.Object(
  {
    gs: Type.Optional(Type.String({ minLength: 1, maxLength: 8, description: 'What arrives instead of the separator (ASCII 29).' })),
    scannerLayout: Type.Optional(LAYOUT),
    hostLayout: Type.Optional(LAYOUT),
    capsLock: Type.Optional(Type.Boolean({ description: 'Caps lock is known to be on at this host.' })),
    restoreCase: Type.Optional(
      Type.Boolean({ description: 'Turn letters back where the symbology identifier shows that caps lock was on.' }),
    ),
    required: Type.Optional(
      Type.Array(Type.String({ pattern: '^\\d{2,4}$' }), {
        maxItems: 20,
        description: 'AIs that a scan must hold, such as 01, 21, 17, 10.',
      }),
    ),
  },
  { additionalProperties: false, description: 'How this scanner and its host are set; POST /api/v1/scan/setup works it out.' },
);

const ELEMENT = Type.Object({ ai: Type.Optional(Type.String()), di: Type.Optional(Type.String()), value: Type.String() });
const NOTICE = Type.Object({ code: Type.String(), message: Type.String() });
const nullable = (type: 'string' | 'object', description: string) => Type.Unsafe<unknown>({ type: [type, 'null'], description });
const READING = Type.Object({
  ok: Type.Boolean({ description: 'It reads by the rules.' }),
  elements: Type.Array(ELEMENT, { description: 'AIs, or data identifiers of format 06; empty where it does not read.' }),
  key: nullable('string', 'The thing that was scanned.'),
  digitalLink: nullable('string', 'With everything that was read.'),
  isbt128: Type.Optional(Type.Unsafe<unknown>({ type: 'object', description: '{structure, fields, parts}' })),
  national: Type.Optional(Type.Array(Type.Object({ scheme: Type.String(), value: Type.String() }))),
  warnings: Type.Array(NOTICE, { description: 'What was repaired or is doubtful, and how to set the scanner.' }),
  problems: Type.Array(
    Type.Object({
      code: Type.String(),
      message: Type.String(),
      ai: Type.Optional(Type.String()),
      at: Type.Optional(Type.Integer()),
      meant: Type.Optional(Type.Array(ELEMENT, { description: 'What it was probably meant to be: to look at, never to use.' })),
    }),
  ),
  messages: Type.Integer({ description: 'How many messages arrived in this read.' }),
  lenient: Type.Optional(
    Type.Array(Type.Object({ ai: Type.String(), title: Type.String(), value: Type.String() }), {
      description: 'A second reading without rules of a scan that does not read: to look at, never to use.',
    }),
  ),
  raw: nullable('string', 'The bytes received, base64; null where they tell of a patient.'),
  profile: PROFILE,
  verdict: Type.Optional(
    Type.Unknown({
      description:
        '{verified, verificationFailureReason?, additionalInfo?, hint?} of a pack or case, for callers who may verify; {couldNotCheck, message} where it could not be told.',
    }),
  ),
});

/** Reading scans, and setting scanners up. */
export function scanRoutes({ readers, verification }: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    readSmallJson(app);
    const config = { roles: rolesWith('scan') };
    const tags = ['Scanning'];

    app.post(
      '/scan',
      {
        config,
        schema: {
          tags,
          summary: 'Read a scan',
          description:
            'Whatever arrives, with or without symbology identifier, of keyboard or serial scanners. A scan that does not read is an answer too, with `ok` false and its problems. Repairs are made only where they are certain, and each is a warning; a lost separator is never put back.',
          body: Type.Object(
            {
              scan: text('What arrived, control characters as JSON escapes.', SCAN_MAX),
              entry: Type.Optional(
                Type.Unsafe<'scanner' | 'typed'>({
                  type: 'string',
                  enum: ['scanner', 'typed'],
                  description: 'Who put it in; brackets are taken from people only. scanner when not given.',
                }),
              ),
              profile: Type.Optional(PROFILE),
            },
            { additionalProperties: false, example: { scan: ']d2010952123454321321Sn01-aB\u001d1727123110L/7' } },
          ),
          response: { 200: Type.Unsafe<unknown>(READING) },
        },
      },
      async (request) => {
        const { scan, entry, profile = {} } = request.body;
        const read = readArrival(scan, { entry, profile, year: new Date().getUTCFullYear() });
        const reading = await comparedWithStore(read);
        const ofPatient = reading.problems.some(({ code }) => code === 'patient-data');
        const raw = ofPatient ? null : Buffer.from(scan).toString('base64');
        const principal = principalOf(request);
        // The raw scan is kept with its verdict: an auditor asks what was scanned (codes.md §8).
        const verdict =
          reading.ok && reading.key !== null && allows(principal.roles, 'verify')
            ? await verification.verdictOf({
                key: reading.key,
                elements: reading.inGs1,
                caller: callerOf(request),
                scan: { raw, profile, warnings: reading.warnings },
              })
            : null;
        return { ...told(reading), raw, profile, ...(verdict !== null && { verdict }) };
      },
    );

    /** What was commissioned is the second source that a doubtful serial is compared with (codes.md §8). */
    async function comparedWithStore(reading: ScanReading): Promise<ScanReading> {
      const isKnown = async (key: string | null) => key !== null && (await readers.look('thing', { of: key })) !== null;
      if (reading.doubted !== null) return (await isKnown(reading.doubted.key)) ? reading.doubted : reading;
      if (!reading.warnings.some(({ code }) => code === 'separator-maybe-lost') || (await isKnown(reading.key))) return reading;
      const message = 'No thing of this name is known here. Compare the serial number with the print before it is used.';
      return { ...reading, warnings: [...reading.warnings, { code: 'serial-unknown-lost-separator', message }] };
    }

    app.post(
      '/scan/setup',
      {
        config,
        schema: {
          tags,
          summary: 'Set a scanner up',
          description: `Works out how a scanner is set from what arrives when it reads the known symbol, a GS1 DataMatrix of ${SETUP_ELEMENTS.map(({ ai, value }) => `(${ai})${value}`).join('')}. The profile goes with every scan of that scanner.`,
          body: Type.Object(
            { scan: text('What arrived, control characters as JSON escapes.', SCAN_MAX) },
            { additionalProperties: false, example: { scan: `]d2${writeElementString(SETUP_ELEMENTS)}` } },
          ),
          response: {
            200: Type.Unsafe<unknown>(
              Type.Object({
                ok: Type.Boolean({
                  description: 'Scans read with this profile; otherwise the scanner must be changed as the advice says.',
                }),
                profile: PROFILE,
                symbologyIdentifier: Type.Boolean(),
                prefix: Type.String(),
                suffix: Type.String(),
                advice: Type.Array(NOTICE),
              }),
            ),
          },
        },
      },
      async ({ body }) => workOutSetup(body.scan) ?? ANOTHER_SYMBOL,
    );
  };
}

const ANOTHER_SYMBOL = {
  ok: false,
  profile: {},
  symbologyIdentifier: false,
  prefix: '',
  suffix: '',
  advice: [
    {
      code: 'another-symbol',
      message:
        'That was not the known symbol, or too little of it arrived. Scan the symbol that docs/scanning.md shows; if it was that, set the scanner to its defaults first.',
    },
  ],
};

type ScanAnswer = Pick<ScanReading, 'ok' | 'elements' | 'key' | 'digitalLink' | 'warnings' | 'messages'> & {
  problems: readonly ScanProblem[];
  isbt128?: unknown;
  national?: ScanReading['national'];
  lenient?: readonly MeantElement[];
};

function told(reading: ScanReading): ScanAnswer {
  const { ok, elements, key, digitalLink, isbt128, national, warnings, problems, messages, received } = reading;
  const lenient = ok ? null : probablyMeant(received[0] ?? '');
  return {
    ok,
    elements,
    key,
    digitalLink,
    ...(isbt128 !== null && { isbt128: { ...isbt128, parts: isbt128.parts.map(({ structure, fields }) => ({ structure, fields })) } }),
    ...(national.length > 0 && { national }),
    warnings,
    problems,
    messages,
    ...(lenient !== null && { lenient }),
  };
}
