import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import {
  ComeLater,
  contentDigest,
  MEANINGS,
  type Meaning,
  PURPOSES,
  type Purpose,
  type Qualification,
  ROLE_NAMES,
  type Role,
  rolesWith,
  SECRET_MAX,
  SIGNATURES_MAX,
  separate,
  signedBy,
  siteKey,
} from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import { principalOf } from './authenticate.ts';
import { readSmallJson } from './bodies.ts';
import type { ApiDeps } from './deps.ts';
import { wanted } from './limits.ts';
import { problem } from './openapi.ts';
import { linkNext, numberCursor, PAGE_PARAMETERS, pageOf } from './paging.ts';

const CLEAN = '^[^\\u0000-\\u001f\\u007f]*$';
const text = (description: string, maxLength: number) => Type.String({ minLength: 1, maxLength, pattern: CLEAN, description });
const ROLE_LIST = Type.Array(Type.Unsafe<Role>({ type: 'string', enum: ROLE_NAMES }), { minItems: 1, uniqueItems: true });
/** Sites in any spelling of their SGLN; none: everywhere. */
export const SITES = Type.Array(Type.String({ minLength: 1, maxLength: 300, pattern: CLEAN }), {
  maxItems: 200,
  description: 'SGLNs, in any spelling. None: everywhere.',
});
const QUALIFICATIONS = Type.Array(
  Type.Object(
    { step: text('Of the workflow, such as `collection`.', 100), until: Type.String({ format: 'date', description: 'The last day.' }) },
    { additionalProperties: false },
  ),
  { maxItems: 200 },
);
const LOGIN = Type.String({ pattern: '^ *[A-Za-z0-9][A-Za-z0-9._@+-]{1,99} *$', description: 'Without case; one person’s for ever.' });
const SECRET = Type.String({ minLength: 1, maxLength: SECRET_MAX });
const NAME = text('As it is printed beside a signature.', 200);
const REASON = text('No personal data of patients.', 500);
/** Tokens of who signs, in the body of an act. */
export const SIGNATURE_TOKENS = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
  maxItems: SIGNATURES_MAX,
  description: 'From POST /api/v1/signing-tokens, one a person; each is good for one act.',
});
const DATE_TIME = Type.String({ format: 'date-time' });
const PERSON = Type.Object({
  id: Type.String(),
  login: Type.String(),
  name: Type.String(),
  roles: Type.Array(Type.String()),
  sites: Type.Array(Type.String()),
  qualifications: QUALIFICATIONS,
  created: DATE_TIME,
  ended: Type.Union([Type.Null(), DATE_TIME]),
  secret: Type.Boolean({ description: 'Whether one was set.' }),
  locked: Type.Boolean({ description: 'After too many failures; a new setup code lifts it.' }),
});
const SETUP = Type.Object({ personId: Type.String(), setupCode: Type.String(), expires: DATE_TIME });
/** A signature as it is shown. */
export const SIGNATURE = Type.Object({
  id: Type.String(),
  person: Type.String(),
  name: Type.String(),
  roles: Type.Array(Type.String()),
  at: Type.String({ description: 'With the zone in which it was given.' }),
  meaning: Type.String(),
  reason: Type.Union([Type.Null(), Type.String()]),
  digest: Type.String({ description: 'SHA-256 of the RFC 8785 JSON of what was signed, without `signatures`.' }),
  about: Type.Union([Type.Null(), Type.String()]),
  version: Type.Integer(),
  shown: Type.String({ description: '`for version n`.' }),
  entry: Type.Object({ seq: Type.Integer(), kind: Type.String(), leaf: Type.String({ description: 'Leaf hash, base64.' }) }),
});
const READ = Type.Object({
  id: Type.String(),
  seq: Type.Integer(),
  at: DATE_TIME,
  by: Type.String(),
  name: Type.Union([Type.Null(), Type.String()]),
  purpose: Type.String(),
  what: Type.String(),
  chains: Type.Array(Type.String()),
  patients: Type.Array(Type.String()),
  donors: Type.Array(Type.String()),
  breakGlass: Type.Union([
    Type.Null(),
    Type.Object({
      reason: Type.String(),
      approved: Type.Union([
        Type.Null(),
        Type.Object({ seq: Type.Integer(), at: DATE_TIME, by: Type.Union([Type.Null(), Type.String()]) }),
      ]),
    }),
  ]),
});

const path = (description: string) => Type.Object({ id: Type.String({ maxLength: 100, description }) });
const PERSON_PATH = path('From GET /api/v1/people.');
const READ_PATH = path('From GET /api/v1/reads.');
const iso = (ms: number) => new Date(ms).toISOString();

/** Sites by their canonical keys. A refusal points into `/sites`. */
export function sitesIn(sites: readonly string[]): string[] {
  return sites.map((site, i) => {
    try {
      return siteKey(site);
    } catch (error) {
      throw error instanceof LotlineError ? error.within(`/sites/${i}`) : error;
    }
  });
}

/** People, sessions, signing, signatures, and who read what (identity-wire.md §3). */
export function peopleRoutes({ people, signatures, readers, capture }: ApiDeps): FastifyPluginAsyncTypebox {
  const personAt = async (id: string) => {
    const person = await people.find(id);
    if (person === null) throw noPerson();
    return person;
  };
  return async (app) => {
    readSmallJson(app);
    const config = { roles: rolesWith('people') };
    const tags = ['People and signatures'];

    app.post(
      '/people',
      {
        config,
        schema: {
          tags,
          summary: 'Register a person',
          description: 'With the setup code they choose their secret; it is told here alone, and good once, for 72 hours.',
          body: Type.Object(
            { login: LOGIN, name: NAME, roles: ROLE_LIST, sites: Type.Optional(SITES), qualifications: Type.Optional(QUALIFICATIONS) },
            {
              additionalProperties: false,
              example: {
                login: 'nurse-1',
                name: 'Nurse One',
                roles: ['collectionSite'],
                sites: ['urn:epc:id:sgln:952012300.001.0'],
                qualifications: [{ step: 'collection', until: '2028-12-31' }],
              },
            },
          ),
          response: { 201: Type.Unsafe<unknown>(SETUP) },
        },
      },
      async (request, reply) => {
        const { login, name, roles, sites = [], qualifications = [] } = request.body;
        const person = { login, name, roles, sites: sitesIn(sites), qualifications: qualifications as Qualification[] };
        const { expires, ...made } = await people.register(person, principalOf(request).id);
        return await reply
          .code(201)
          .header('location', `/api/v1/people/${made.personId}`)
          .send({ ...made, expires: iso(expires) });
      },
    );

    app.get(
      '/people',
      {
        config,
        schema: {
          tags,
          summary: 'List people',
          description: 'Also those who have gone.',
          response: { 200: Type.Unsafe<unknown>(Type.Object({ people: Type.Array(PERSON) })) },
        },
      },
      async () => ({ people: await people.list() }),
    );

    app.get(
      '/people/:id',
      { config, schema: { tags, summary: 'One person', params: PERSON_PATH, response: { 200: Type.Unsafe<unknown>(PERSON) } } },
      async (request) => await personAt(request.params.id),
    );

    app.patch(
      '/people/:id',
      {
        config,
        schema: {
          tags,
          summary: 'Change or end a person',
          description:
            'Lists are given whole. `ended: true` ends them for good: sessions and tokens are good no more; what they signed stays as it was signed.',
          params: PERSON_PATH,
          body: Type.Object(
            {
              name: Type.Optional(NAME),
              roles: Type.Optional(ROLE_LIST),
              sites: Type.Optional(SITES),
              qualifications: Type.Optional(QUALIFICATIONS),
              ended: Type.Optional(Type.Literal(true)),
            },
            { additionalProperties: false, minProperties: 1, example: { qualifications: [{ step: 'bedside', until: '2028-12-31' }] } },
          ),
          response: { 200: Type.Unsafe<unknown>(PERSON) },
        },
      },
      async (request) => {
        const { id } = request.params;
        const { name, roles, sites, qualifications, ended } = request.body;
        const actor = principalOf(request).id;
        const change = {
          ...(name !== undefined && { name }),
          ...(roles !== undefined && { roles }),
          ...(sites !== undefined && { sites: sitesIn(sites) }),
          ...(qualifications !== undefined && { qualifications: qualifications as Qualification[] }),
        };
        if (Object.keys(change).length > 0 && !(await people.change(id, change, actor))) throw noPerson();
        if (ended === true && !(await people.end(id, actor))) throw noPerson();
        return await personAt(id);
      },
    );

    app.post(
      '/people/:id/setup-code',
      {
        config,
        schema: {
          tags,
          summary: 'Make a new setup code',
          description: 'The secret that there was is good no more, sessions end, and a lock is lifted.',
          params: PERSON_PATH,
          body: Type.Object({ reason: Type.Optional(REASON) }, { additionalProperties: false, example: { reason: 'secret forgotten' } }),
          response: { 201: Type.Unsafe<unknown>(SETUP) },
        },
      },
      async (request, reply) => {
        const made = await people.renewSetup(request.params.id, request.body.reason ?? null, principalOf(request).id);
        if (made === null) throw noPerson();
        return await reply.code(201).send({ ...made, expires: iso(made.expires) });
      },
    );

    app.post(
      '/people/:id/secret',
      {
        config: { public: true },
        schema: {
          tags,
          summary: 'Choose a secret',
          description: 'Twelve characters or more; the setup code is used up.',
          params: PERSON_PATH,
          body: Type.Object({ setupCode: Type.String({ minLength: 1, maxLength: 200 }), secret: SECRET }, { additionalProperties: false }),
          response: {
            204: Type.Unsafe<unknown>({ type: 'null', description: 'Set.' }),
            401: problem('No setup code that is good.'),
            429: problem('Too many attempts from this address have failed.'),
          },
        },
      },
      async (request, reply) => {
        await tellingWhen(reply, () => people.setSecret(request.params.id, request.body, request.ip));
        return await reply.code(204).send();
      },
    );

    app.post(
      '/sessions',
      {
        config: { public: true },
        schema: {
          tags,
          summary: 'Log in',
          description: 'The session is a bearer like a key, for eight hours at most.',
          body: Type.Object({ login: LOGIN, secret: SECRET }, { additionalProperties: false }),
          response: {
            201: Type.Unsafe<unknown>(
              Type.Object({
                session: Type.String(),
                expires: DATE_TIME,
                personId: Type.String(),
                name: Type.String(),
                roles: Type.Array(Type.String()),
              }),
            ),
            401: problem('Login and secret do not belong together.'),
            429: problem('The account is locked for a while, or too many attempts from this address have failed.'),
          },
        },
      },
      async (request, reply) => {
        const { login, secret } = request.body;
        const { session, expires, person } = await tellingWhen(reply, () => people.logIn(login, secret, request.ip));
        return await reply.code(201).send({ session, expires: iso(expires), personId: person.id, name: person.name, roles: person.roles });
      },
    );

    app.get(
      '/sessions',
      {
        config: { roles: ROLE_NAMES },
        schema: {
          tags,
          summary: 'Who one is',
          description: 'By the key or session that the request bears.',
          response: {
            200: Type.Unsafe<unknown>(
              Type.Object({ id: Type.String(), name: Type.String(), roles: Type.Array(Type.String()), sites: Type.Array(Type.String()) }),
            ),
          },
        },
      },
      async (request) => {
        const { id, name, roles, sites } = principalOf(request);
        return { id, name, roles, sites };
      },
    );

    app.delete(
      '/sessions',
      {
        config: { roles: ROLE_NAMES },
        schema: {
          tags,
          summary: 'Log out',
          description: 'Ends the session that the request bears.',
          response: { 204: Type.Unsafe<unknown>({ type: 'null', description: 'Ended.' }) },
        },
      },
      async (request, reply) => {
        if (!(await people.logOut(principalOf(request))))
          throw new LotlineError('NOT-FOUND', 'the request bears a key and no session', {
            at: 'Authorization',
            fix: 'End a key with DELETE /api/v1/keys/{id}.',
          });
        return await reply.code(204).send();
      },
    );

    app.post(
      '/signing-tokens',
      {
        config: { roles: ROLE_NAMES },
        schema: {
          tags,
          summary: 'Sign',
          description:
            'One fresh authentication is one signature: the token is good for one act, within ten minutes. Two tokens asked for by one key or session within three seconds are one person’s.',
          body: Type.Object(
            {
              login: LOGIN,
              secret: SECRET,
              meaning: Type.Unsafe<Meaning>({ type: 'string', enum: MEANINGS }),
              reason: Type.Optional(REASON),
              record: Type.Optional(
                Type.String({
                  pattern: '^[0-9a-f]{64}$',
                  description: 'SHA-256 of the RFC 8785 JSON of the act’s body without `signatures`: good for this content alone.',
                }),
              ),
              offset: Type.Optional(
                Type.String({ pattern: '^[+-](0\\d|1[0-4]):[0-5]\\d$', description: 'The zone in which it is signed, such as +02:00.' }),
              ),
            },
            { additionalProperties: false },
          ),
          response: {
            201: Type.Unsafe<unknown>(Type.Object({ token: Type.String(), expires: DATE_TIME, signature: Type.String() })),
          },
        },
      },
      async (request, reply) => {
        const made = await tellingWhen(reply, () => signatures.sign(request.body, principalOf(request), request.ip));
        return await reply.code(201).send({ ...made, expires: iso(made.expires) });
      },
    );

    app.get(
      '/signatures/:id',
      {
        config: { roles: [...new Set([...rolesWith('read'), ...rolesWith('identity')])] },
        schema: {
          tags,
          summary: 'A signature',
          description: 'Who signed what, when, in which sense. It is there once its act is.',
          params: path('Such as an act or a batch names it.'),
          response: { 200: Type.Unsafe<unknown>(SIGNATURE) },
        },
      },
      async (request) => {
        const answer = await readers.look('signature', { id: request.params.id });
        if (answer === null)
          throw new LotlineError('NOT-FOUND', 'there is no such signature', { at: '{id}', fix: 'Take an id from what was signed.' });
        return answer;
      },
    );

    app.get(
      '/reads',
      {
        config: { roles: rolesWith('audit') },
        schema: {
          tags,
          summary: 'Who read what of whom',
          description: 'Newest first. `open`: break-glass reads that nobody has approved.',
          querystring: Type.Object(
            {
              person: Type.Optional(Type.String({ maxLength: 100, description: 'Id of a person or key.' })),
              purpose: Type.Optional(Type.Unsafe<Purpose>({ type: 'string', enum: PURPOSES, description: 'What it was read for.' })),
              chain: Type.Optional(Type.String({ maxLength: 100, description: 'A coiId.' })),
              patient: Type.Optional(Type.String({ maxLength: 100, description: 'A patientRef.' })),
              donor: Type.Optional(Type.String({ maxLength: 100, description: 'A donorRef.' })),
              from: Type.Optional(Type.String({ format: 'date-time', description: 'From then on.' })),
              to: Type.Optional(Type.String({ format: 'date-time', description: 'Before then.' })),
              open: Type.Optional(Type.Boolean({ description: 'Break-glass reads that nobody has approved.' })),
              ...PAGE_PARAMETERS,
            },
            { additionalProperties: false },
          ),
          response: { 200: Type.Unsafe<unknown>(Type.Object({ reads: Type.Array(READ) })) },
        },
      },
      async (request, reply) => {
        const page = pageOf(request.query);
        const before = numberCursor(page);
        const { person, purpose, chain, patient, donor, from, to, open } = request.query;
        const args = {
          limit: page.limit,
          ...(before !== undefined && { before }),
          ...(person !== undefined && { person }),
          ...(purpose !== undefined && { purpose }),
          ...(chain !== undefined && { chain: chain.trim().toUpperCase() }),
          ...(patient !== undefined && { patient }),
          ...(donor !== undefined && { donor }),
          ...(from !== undefined && { from }),
          ...(to !== undefined && { to }),
          ...(open !== undefined && { open }),
        };
        const { list, next } = await readers.ask('reads', args, wanted(request));
        if (next !== null) linkNext(reply, '/api/v1/reads', request.query as Record<string, string>, String(next));
        return { reads: list };
      },
    );

    app.post(
      '/reads/:id/approval',
      {
        config: { roles: rolesWith('privacy') },
        schema: {
          tags,
          summary: 'Approve a break-glass read',
          description: 'Signed `approved`, by somebody else than who read.',
          params: READ_PATH,
          body: Type.Object({ signatures: SIGNATURE_TOKENS }, { additionalProperties: false }),
          response: { 200: Type.Unsafe<unknown>(READ) },
        },
      },
      async (request) => {
        const { id } = request.params;
        const waiting = await readers.look('read', { id });
        if (waiting?.breakGlass?.approved !== null)
          throw new LotlineError('NOT-FOUND', 'there is no such read that waits for approval', {
            at: '{id}',
            fix: 'Take an id from GET /api/v1/reads?open=true.',
          });
        const content = contentDigest(request.body);
        const { signatures: signed, digests } = await signatures.resolve(request.body.signatures, { content });
        signedBy(signed, 'approved');
        separate(signed, [waiting.by]);
        await capture.record({ kind: 'approve-read', id, signatures: signed, content, live: { tokens: digests } }, principalOf(request).id);
        return await readers.look('read', { id });
      },
    );
  };
}

const noPerson = () =>
  new LotlineError('NOT-FOUND', 'there is nobody here of this id', { at: '{id}', fix: 'Take an id from GET /api/v1/people.' });

/** Who came too soon again is told when to come. */
async function tellingWhen<T>(reply: FastifyReply, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ComeLater) void reply.header('retry-after', String(error.seconds));
    throw error;
  }
}
