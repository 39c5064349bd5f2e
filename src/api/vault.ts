import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { type Identity, PURPOSES, ROLE_NAMES, rolesWith } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import { retentionOf } from '../settings.ts';
import { readSmallJson } from './bodies.ts';
import type { ApiDeps } from './deps.ts';
import { newId, postAct } from './identity/acts.ts';
import { noteRead, PURPOSE_HEADERS, purposeOf } from './purpose.ts';

const MEMBERS_MAX = 50;
const VALUE_MAX = 500;
const REASON_MAX = 2_000;

const IDENTITY = Type.Unsafe<Identity>({
  type: 'object',
  description: 'name, birthDate, recordNumber and whatever else is known, all texts. It goes to the vault and nowhere else.',
  minProperties: 1,
  maxProperties: MEMBERS_MAX,
  propertyNames: { pattern: '^[A-Za-z][A-Za-z0-9_]{0,39}$' },
  additionalProperties: { type: 'string', minLength: 1, maxLength: VALUE_MAX, pattern: '^[^\\u0000]*$' },
});
const PURPOSE = Type.Unsafe<(typeof PURPOSES)[number]>({ type: 'string', enum: PURPOSES, description: 'Why the identity is kept.' });
const REASON = Type.String({ minLength: 1, maxLength: REASON_MAX, pattern: '^[^\\u0000]*$', description: 'In words; no personal data.' });
const SIGNATURES = Type.Optional(Type.Array(Type.String({ maxLength: 500 }), { maxItems: 10, description: 'Signing tokens.' }));
const PATIENT_REF = Type.String({ pattern: '^pr_[a-z2-7]{26}$', description: 'From POST /api/v1/identity/patients.' });
const PERSON_PATH = Type.Object({ ref: Type.String({ pattern: '^[pd]r_[a-z2-7]{26}$', description: 'A patientRef or donorRef.' }) });
const ENTRY = Type.Object({ seq: Type.Integer(), leaf: Type.String() });
const ANSWER = (more: Record<string, ReturnType<typeof Type.String>>) =>
  Type.Unsafe<unknown>(
    Type.Object({ ok: Type.Boolean(), entry: ENTRY, findings: Type.Array(Type.Unknown()), holds: Type.Array(Type.Unknown()), ...more }),
  );

/** Patients, donors and who they are (domain.md §3.3, §18.4; identity-wire.md §4, §5): identity goes into the vault, and references come out. */
export function vaultRoutes(deps: ApiDeps): FastifyPluginAsyncTypebox {
  const { vault } = deps;
  const log = deps.log ?? ((line: string) => console.error(line));
  return async (app) => {
    readSmallJson(app);
    const tags = ['Chain of identity'];
    const seen = (ref: string) => (ref.startsWith('dr_') ? { donors: [ref] } : { patients: [ref] });

    app.post(
      '/identity/patients',
      {
        config: { roles: rolesWith('order') },
        schema: {
          tags,
          summary: 'Register a patient',
          description:
            'The identity is sealed in the vault; the journal learns the reference alone. The same person registered twice has two references for ever.',
          body: Type.Object({ identity: IDENTITY, purpose: PURPOSE }, { additionalProperties: false }),
          response: { 201: ANSWER({ patientRef: Type.String() }) },
        },
      },
      async (request, reply) => {
        const { ref, kept } = vault.seal('patient', request.body.identity);
        const answer = await postAct(deps, request, { kind: 'patient', id: ref, body: { patientRef: ref }, content: {}, kept });
        return await reply.code(201).send({ ...answer, patientRef: ref });
      },
    );

    app.post(
      '/identity/donors',
      {
        config: { roles: rolesWith('order') },
        schema: {
          tags,
          summary: 'Register a donor',
          description: 'As a patient, with a reference of another kind.',
          body: Type.Object({ identity: IDENTITY, purpose: PURPOSE }, { additionalProperties: false }),
          response: { 201: ANSWER({ donorRef: Type.String() }) },
        },
      },
      async (request, reply) => {
        const { ref, kept } = vault.seal('donor', request.body.identity);
        const answer = await postAct(deps, request, { kind: 'donor', id: ref, body: { donorRef: ref }, content: {}, kept });
        return await reply.code(201).send({ ...answer, donorRef: ref });
      },
    );

    for (const things of ['patients', 'donors', 'chains', 'orders'])
      app.post(`/identity/${things}/merge`, { config: { roles: ROLE_NAMES }, schema: { hide: true }, bodyLimit: 64 * 1024 }, async () => {
        throw new LotlineError('COI-NOMERGE', 'two people are never made one, nor two chains: what is merged cannot be told apart again', {
          fix: 'If both are the same person, say so with POST /api/v1/identity/links; both references and both chains stay.',
        });
      });

    app.get(
      '/identity/patients/:ref/identity',
      {
        config: { roles: rolesWith('vault') },
        schema: {
          tags,
          summary: 'Who somebody is',
          description: 'Every read is on record with who, why and of whom (INV-29). Restricted: for traceability alone. Erased: 410.',
          params: PERSON_PATH,
          headers: { type: 'object', properties: PURPOSE_HEADERS },
          response: { 200: Type.Unsafe<unknown>(Type.Object({ identity: IDENTITY })) },
        },
      },
      async (request) => {
        const { ref } = request.params;
        await noteRead(deps, request, seen(ref));
        return { identity: await vault.read(ref, purposeOf(request)) };
      },
    );

    app.put(
      '/identity/patients/:ref/identity',
      {
        config: { roles: rolesWith('vault') },
        schema: {
          tags,
          summary: 'Put an identity right',
          description:
            'The whole of it, in a new version. The journal is told that it was put right, and no values; commitments to the old values stay.',
          params: PERSON_PATH,
          headers: { type: 'object', properties: PURPOSE_HEADERS },
          body: Type.Object({ identity: IDENTITY, purpose: Type.Optional(PURPOSE) }, { additionalProperties: false }),
          response: { 200: ANSWER({}) },
        },
      },
      async (request) => {
        const { ref } = request.params;
        await noteRead(deps, request, seen(ref));
        const { version, kept } = await vault.rectify(ref, request.body.identity);
        const body = { patientRef: ref, version };
        return { ...(await postAct(deps, request, { kind: 'rectification', id: newId('rc'), body, content: {}, kept })), version };
      },
    );

    app.post(
      '/identity/patients/:ref/commitments',
      {
        config: { roles: rolesWith('vault') },
        schema: {
          tags,
          summary: 'Open a commitment',
          description:
            'Whether a commitment of an identity check stands for this value. Once the identity is erased, nobody can tell any more: 410.',
          params: PERSON_PATH,
          headers: { type: 'object', properties: PURPOSE_HEADERS },
          body: Type.Object(
            { commitment: Type.String({ pattern: '^hmac:[0-9a-f]{64}$' }), value: Type.String({ minLength: 1, maxLength: VALUE_MAX }) },
            { additionalProperties: false },
          ),
          response: { 200: Type.Unsafe<unknown>(Type.Object({ match: Type.Boolean() })) },
        },
      },
      async (request) => {
        const { ref } = request.params;
        await noteRead(deps, request, seen(ref));
        return { match: await vault.verify(ref, request.body.commitment, request.body.value) };
      },
    );

    app.post(
      '/identity/links',
      {
        config: { roles: rolesWith('order') },
        schema: {
          tags,
          summary: 'The same person under two references',
          description:
            'Kept in the vault, so that scheduling warns of a double therapy. Nothing is merged, and the entry names neither of the two.',
          body: Type.Object(
            {
              patientRefs: Type.Array(PATIENT_REF, { minItems: 2, maxItems: 2, uniqueItems: true }),
              reason: REASON,
              signatures: SIGNATURES,
            },
            { additionalProperties: false },
          ),
          response: { 201: ANSWER({ linkId: Type.String() }) },
        },
      },
      async (request, reply) => {
        const { patientRefs, reason, signatures = [] } = request.body;
        const [a, b] = patientRefs as [string, string];
        const { id: pair, kept } = await vault.link(a, b);
        const linkId = newId('li');
        const answer = await postAct(deps, request, { kind: 'link', id: linkId, body: { linkId, pair, reason }, tokens: signatures, kept });
        return await reply.code(201).send({ ...answer, linkId });
      },
    );

    app.post(
      '/identity/erasures',
      {
        config: { roles: rolesWith('privacy') },
        schema: {
          tags,
          summary: 'Decide a request for erasure',
          description:
            'Signed by a privacyOfficer and a qaReviewer or qp. `contact` details may go at any time; an `identity` that leads to cells which were given stays until its term (409 RET-TERM): `restrict` it, or `refuse`. What is erased, no backup brings back (docs/vault.md).',
          body: Type.Object(
            {
              patientRef: PATIENT_REF,
              class: Type.Union([Type.Literal('contact'), Type.Literal('identity')]),
              decision: Type.Union([Type.Literal('erase'), Type.Literal('restrict'), Type.Literal('refuse')]),
              reason: REASON,
              signatures: SIGNATURES,
            },
            { additionalProperties: false },
          ),
          response: { 201: ANSWER({ erasureId: Type.String() }) },
        },
      },
      async (request, reply) => {
        const { patientRef, class: of, decision, reason, signatures = [] } = request.body;
        const state = await vault.state(patientRef);
        if (state === null)
          throw new LotlineError('NOT-FOUND', 'the vault has nobody of this reference', {
            at: '/patientRef',
            fix: 'Give a patientRef of this store.',
          });
        if (state === 'erased')
          throw new LotlineError('VLT-ERASED', `the identity of ${patientRef} was erased`, {
            at: '/patientRef',
            fix: 'There is nothing left to decide on.',
          });
        const erasureId = newId('er');
        const kept =
          decision === 'erase' ? vault.erase(patientRef, of, erasureId) : decision === 'restrict' ? vault.restrict(patientRef) : [];
        const body = { erasureId, patientRef, class: of, decision, reason, term: retentionOf(deps.settings) };
        const answer = await postAct(deps, request, { kind: 'erasure', id: erasureId, body, tokens: signatures, kept });
        // It is erased and on record; a list that cannot be written now is written at the next start, or with the next erasure.
        await deps.noteErasures().catch((error: Error) => log(`the list of erasures cannot be written: ${error.message}`));
        return await reply.code(201).send({ ...answer, erasureId });
      },
    );
  };
}
