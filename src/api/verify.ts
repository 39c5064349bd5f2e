import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { rolesWith } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import { formatKey, gs1Date, hasValidCheckDigit, parseKey } from '../identifiers/index.ts';
import { type Caller, expectGln, productOf, type Question, RateExceeded } from '../verification/verification.ts';
import { principalOf } from './authenticate.ts';
import { readSmallJson } from './bodies.ts';
import type { ApiDeps } from './deps.ts';
import { wanted } from './limits.ts';
import { linkNext, PAGE_PARAMETERS, pageOf } from './paging.ts';
import { borneIn, keyIn } from './things-in-hand.ts';

const VERDICT = Type.Object({
  verified: Type.Boolean(),
  verificationFailureReason: Type.Optional(Type.String({ description: 'Such as No_match_GTIN_Serial; absent where verified.' })),
  additionalInfo: Type.Optional(Type.String({ description: 'Expired, Recalled, Suspect or Illegitimate.' })),
  hint: Type.Optional(Type.String({ description: '`case`: the serial number is known in other letters, upper or lower.' })),
});
const ANSWER = Type.Object({
  verificationTimestamp: Type.String({ format: 'date-time' }),
  responderGLN: Type.Union([Type.Null(), Type.String()]),
  data: VERDICT,
  corrUUID: Type.String(),
});

const text = (description: string, more: object = {}) => Type.Optional(Type.String({ description, maxLength: 200, ...more }));
/** The version of GS1 Lightweight Messaging, US profile, that is spoken here. */
const VERSION = '1.3.0';
const HEADERS = Type.Object({ 'gs1us-version': text('The version of the messages, such as 1.3.0.', { pattern: '^1(\\.\\d{1,3}){0,2}$' }) });
const QUERY = {
  exp: text('Expiry as YYMMDD; day 00 for the whole month.'),
  linkType: text('verificationService', { pattern: '^(gs1:)?verificationService$' }),
  context: text('Why it is asked, such as dscsaSaleableReturn.', { pattern: '^[A-Za-z0-9_.:-]*$' }),
  reqGLN: text('GLN of who asks.'),
  corrUUID: text('The same one again within 24 h gets the same answer, and counts once.', {
    pattern: '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$',
  }),
  ctrlPossessAtt: Type.Optional(Type.Boolean({ description: 'Who asks has the pack in hand.' })),
  email: text('Not kept.'),
  telephone: text('Not kept.'),
};
const GTIN = Type.String({ description: 'GTIN of 14 digits.', example: '09520123000110' });
const SERIAL = Type.String({ description: 'Serial number, percent-encoded.', example: 'ABC' });

type Asked = { gtin: string; lot?: string; serial: string };
type Parameters = { exp?: string; context?: string; reqGLN?: string; corrUUID?: string };

/** GS1 Lightweight Messaging for verification (domain.md §8.1). An answer of 200 is a verdict; anything else is none, neither yes nor no. */
export function verifyRoutes({ verification, settings }: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    const config = { roles: rolesWith('verify') };
    const tags = ['Verification'];
    const response = { 200: Type.Unsafe<unknown>(ANSWER) };

    const answer = async (request: FastifyRequest, reply: FastifyReply, { gtin, lot, serial }: Asked, query: Parameters) => {
      void reply.header('gs1us-version', VERSION);
      const question: Question = {
        key: packKey(gtin, serial),
        lot: lot === undefined ? null : checkLot(gtin, lot),
        expiry: query.exp === undefined ? null : checkDate(query.exp),
        site: query.reqGLN === undefined ? null : expectGln(query.reqGLN, '?reqGLN'),
      };
      const told = await tellingWhen(reply, () =>
        verification.answer(question, callerOf(request), { corr: query.corrUUID?.toLowerCase(), context: query.context }),
      );
      const behind = told.data.verificationFailureReason === 'No_match_GTIN_Serial' ? await verification.behindSince() : null;
      if (behind !== null) void reply.header('lotline-data-behind', behind);
      return told;
    };

    app.get(
      '/verify/gtin/:gtin/lot/:lot/ser/:serial',
      {
        config,
        schema: {
          tags,
          summary: 'Verify a pack or a sealed case',
          description:
            'GS1 Lightweight Messaging. A mismatch never tells the right values. A problem is no answer: the pack stays where it is.',
          params: Type.Object({ gtin: GTIN, lot: Type.String({ description: 'Lot, percent-encoded.' }), serial: SERIAL }),
          headers: HEADERS,
          querystring: Type.Object(QUERY, { additionalProperties: false }),
          response,
        },
      },
      async (request, reply) => {
        if (settings.verifyProfile === 'us' && request.query.exp === undefined) throw missing('the expiry', '?exp', 'Give exp as YYMMDD.');
        return await answer(request, reply, request.params, request.query);
      },
    );

    app.get(
      '/verify/gtin/:gtin/ser/:serial',
      {
        config,
        schema: {
          tags,
          summary: 'Verify a pack by its serial number alone',
          description: 'With LOTLINE_VERIFY_PROFILE=local; otherwise 400, for the lot is missing.',
          params: Type.Object({ gtin: GTIN, serial: SERIAL }),
          headers: HEADERS,
          querystring: Type.Object(QUERY, { additionalProperties: false }),
          response,
        },
      },
      async (request, reply) => {
        if (settings.verifyProfile === 'us') throw missing('the lot', '{lot}', 'Ask under /verify/gtin/{gtin}/lot/{lot}/ser/{serial}.');
        return await answer(request, reply, request.params, request.query);
      },
    );

    app.get(
      '/checkConnectivity',
      {
        config,
        schema: {
          tags,
          summary: 'Whether a product is answered for here',
          headers: HEADERS,
          querystring: Type.Object({ gtin: GTIN, reqGLN: QUERY.reqGLN, context: QUERY.context }, { additionalProperties: false }),
          response: { 200: Type.Unsafe<unknown>(Type.Object({ responderGLN: Type.Union([Type.Null(), Type.String()]) })) },
        },
      },
      async (request, reply) => {
        void reply.header('gs1us-version', VERSION);
        const { gtin, reqGLN } = request.query;
        const site = reqGLN === undefined ? null : expectGln(reqGLN, '?reqGLN');
        // The facts of a pack that cannot be: those of its product and of who asks.
        const key = packKey(gtin, '0');
        const facts = await verification.factsOf({ key, lot: null, expiry: null, site });
        await verification.expectPartner(site, facts);
        return { responderGLN: await verification.responderOf(productOf(key)) };
      },
    );
  };
}

const THINGS_MAX = 1_000;
const MAX_BULK = Type.Array(Type.String({ minLength: 1, maxLength: 500 }), { minItems: 1, maxItems: THINGS_MAX });

/** Verifying many at once, and what was asked. */
export function verificationRoutes({ verification, readers }: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    readSmallJson(app);
    const tags = ['Verification'];

    app.post(
      '/verify/bulk',
      {
        config: { roles: rolesWith('verify') },
        schema: {
          tags,
          summary: 'Verify several packs, or all in a sealed container',
          description: `Either \`of\`, up to ${THINGS_MAX} packs, each in any spelling; what a spelling bears of lot (10) and expiry (17) is compared. Or \`container\`: one verdict for all of its content by inference, refused (verdict null, and because) where it was opened or is not all of one kind. The refused are verified piece by piece.`,
          body: Type.Object(
            {
              of: Type.Optional(MAX_BULK),
              container: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
              site: Type.Optional(Type.String({ description: 'GLN of who asks.' })),
            },
            { additionalProperties: false, example: { of: ['(01)09520123000110(21)ABC(10)L1(17)280131'] } },
          ),
          response: {
            200: Type.Unsafe<unknown>(
              Type.Object({
                verdicts: Type.Optional(Type.Array(Type.Object({ of: Type.String() }, { additionalProperties: true }))),
                container: Type.Optional(
                  Type.Object({
                    of: Type.String(),
                    packs: Type.Integer(),
                    inferred: Type.Boolean(),
                    because: Type.Optional(Type.String()),
                    verdict: Type.Union([Type.Null(), VERDICT]),
                  }),
                ),
              }),
            ),
          },
        },
      },
      async (request, reply) => {
        const { of, container, site: gln } = request.body;
        const site = gln === undefined ? null : expectGln(gln, '/site');
        const caller = callerOf(request);
        if ((of === undefined) === (container === undefined))
          throw new LotlineError('REQ-FORM', 'either of or container has to be given', { fix: 'Give the packs as of, or one container.' });
        if (container !== undefined) {
          const key = keyIn(container, '/container');
          return await tellingWhen(reply, async () => ({ container: await verification.verdictInside(key, caller, site) }));
        }
        const questions = (of as string[]).map((one, i): Question => ({ ...packIn(one, `/of/${i}`), site }));
        const verdicts: object[] = [];
        for (const question of questions)
          verdicts.push({ of: question.key, ...(await verdictOrNot(() => verification.verdict(question, caller))) });
        return { verdicts };
      },
    );

    app.get(
      '/verifications',
      {
        config: { roles: rolesWith('read') },
        schema: {
          tags,
          summary: 'What was asked to be verified, and what was answered',
          description:
            'Newest first, with the figures over all of the time asked for: how many, how many false, how many could not be checked, and how long answers took. What did not match is told by a hash of its serial number.',
          querystring: Type.Object(
            {
              since: Type.Optional(Type.String({ format: 'date-time', description: 'The last 24 h when not given.' })),
              outcome: Type.Optional(
                Type.Unsafe<'true' | 'false' | 'error'>({
                  type: 'string',
                  enum: ['true', 'false', 'error'],
                  description: 'error: it could not be checked.',
                }),
              ),
              thing: Type.Optional(Type.String({ description: 'Of this pack, in any spelling.' })),
              ...PAGE_PARAMETERS,
            },
            { additionalProperties: false },
          ),
          response: {
            200: Type.Unsafe<unknown>(
              Type.Object({
                verifications: Type.Array(Type.Object({ id: Type.String() }, { additionalProperties: true })),
                counts: Type.Object({}, { additionalProperties: true }),
              }),
            ),
          },
        },
      },
      async (request, reply) => {
        const { query } = request;
        const page = pageOf(query);
        const { list, more, counts } = await readers.ask(
          'verifications',
          {
            since: query.since === undefined ? verification.now() - 24 * 60 * 60 * 1000 : Date.parse(query.since),
            limit: page.limit,
            ...(page.cursor !== null && { before: page.cursor }),
            ...(query.outcome !== undefined && { outcome: query.outcome }),
            ...(query.thing !== undefined && { thing: keyIn(query.thing, '?thing') }),
          },
          wanted(request),
        );
        const last = list.at(-1);
        if (more && last !== undefined) linkNext(reply, '/api/v1/verifications', query, last.id);
        return { verifications: list, counts };
      },
    );
  };
}

export const callerOf = (request: FastifyRequest): Caller => ({ id: principalOf(request).id, source: request.ip });

/** Says when to come back to who has failed too often. */
export async function tellingWhen<T>(reply: FastifyReply, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RateExceeded) void reply.header('retry-after', String(error.seconds));
    throw error;
  }
}

/** In a list, what could not be checked stands beside the verdicts of the others. */
async function verdictOrNot(work: () => Promise<object>): Promise<object> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LotlineError)) throw error;
    return { couldNotCheck: error.code, message: error.message };
  }
}

/** A pack or case of the list, with what its spelling bears. */
function packIn(of: string, at: string): { key: string; lot: string | null; expiry: string | null } {
  const key = keyIn(of, at);
  if (!isPack(key))
    throw new LotlineError('ID-FORM', `${key} is no serialised product`, { at, fix: 'Name a GTIN with its serial number.' });
  return { key, ...borneIn(of, at) };
}

/** A GTIN with a serial number: a pack, or a case. */
export function isPack(key: string): boolean {
  const thing = parseKey(key);
  return 'serial' in thing && /^01\/\d{14}$/.test(thing.class);
}

function packKey(gtin: string, serial: string): string {
  if (!/^\d{14}$/.test(gtin))
    throw new LotlineError('ID-LENGTH', 'the GTIN is not 14 digits', { at: '{gtin}', fix: 'Write the GTIN with its leading zeros.' });
  if (!hasValidCheckDigit(gtin))
    throw new LotlineError('ID-CHECK', `GTIN ${gtin}: wrong check digit`, { at: '{gtin}', fix: 'Correct the GTIN.' });
  return checked(() => formatKey(parseKey(formatKey({ class: `01/${gtin}`, serial }))), '{serial}');
}

function checkLot(gtin: string, lot: string): string {
  checked(() => parseKey(formatKey({ class: `01/${gtin}`, lot })), '{lot}');
  return lot;
}

function checkDate(exp: string): string {
  checked(() => gs1Date(exp, new Date().getUTCFullYear()), '?exp');
  return exp;
}

/** What the rules of an identifier have against a value, at its place in the request. */
function checked<T>(read: () => T, at: string): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof LotlineError ? new LotlineError(error.code, error.message, { at, fix: error.fix, cause: error }) : error;
  }
}

const missing = (what: string, at: string, fix: string) => new LotlineError('REQ-FORM', `${what} is missing`, { at, fix });
