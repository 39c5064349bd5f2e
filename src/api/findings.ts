import { randomUUID } from 'node:crypto';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type TSchema, Type } from 'typebox';
import { rolesWith } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import type { EditFinding } from '../lifecycle/commands.ts';
import { dueOf } from '../lifecycle/due.ts';
import { isClosing, STAGES, type Stage } from '../lifecycle/finding-record.ts';
import { FINDINGS, type FindingCode, type Severity } from '../lifecycle/findings.ts';
import type { FindingPlace, FindingsArgs } from '../lifecycle/list-findings.ts';
import { notificationCsv } from '../query/notification-csv.ts';
import { principalOf } from './authenticate.ts';
import { readSmallJson } from './bodies.ts';
import type { ApiDeps } from './deps.ts';
import { wanted } from './limits.ts';
import { accepted } from './negotiate.ts';
import { linkNext, numberCursor, PAGE_PARAMETERS, pageOf } from './paging.ts';
import { keyIn } from './things.ts';

const orNull = <T extends TSchema>(type: T) => Type.Union([Type.Null(), type]);
const TIME = Type.String({ format: 'date-time' });
const SAID = orNull(Type.Object({ note: Type.String(), at: TIME, by: Type.String() }));
const STAGE = Type.Unsafe<Stage>({ type: 'string', enum: STAGES, description: 'How far it has got; the last two close it.' });
const SEVERITY = Type.Unsafe<Severity>({
  type: 'string',
  enum: ['info', 'warning', 'major', 'critical', 'patient-safety'],
  description: 'How bad.',
});

const FINDING = Type.Object({
  id: Type.Integer(),
  code: Type.String(),
  severity: Type.String(),
  message: Type.String(),
  state: Type.Union([Type.Literal('open'), Type.Literal('closed')]),
  stage: STAGE,
  things: Type.Array(Type.String()),
  count: orNull(Type.Integer()),
  events: Type.Array(Type.String()),
  owner: orNull(Type.String()),
  due: orNull(TIME),
  opened: TIME,
  found: Type.Object({ by: Type.String(), at: TIME, readPoint: orNull(Type.String()) }),
  counterpart: orNull(Type.String()),
  note: orNull(Type.String()),
  references: Type.Array(Type.String()),
  photos: Type.Array(Type.String()),
  messages: Type.Array(Type.Object({ text: Type.String(), at: TIME, by: Type.String() })),
  resolution: SAID,
  notification: orNull(Type.Object({ determined: TIME, by: Type.String(), due: TIME, sent: SAID, terminated: SAID })),
});

const COUNTED = { quantity: Type.Integer() };
const FORM = Type.Object({
  finding: Type.Integer(),
  code: Type.String(),
  notificationType: Type.Union([Type.Literal('initial'), Type.Literal('follow-up'), Type.Literal('termination')]),
  classification: Type.Literal('illegitimate'),
  determined: TIME,
  by: Type.String(),
  due: TIME,
  sent: SAID,
  terminated: SAID,
  products: Type.Array(Type.Object({ gtin: orNull(Type.String()), name: orNull(Type.String()), ...COUNTED })),
  lots: Type.Array(Type.Object({ gtin: orNull(Type.String()), lot: Type.String(), expiry: orNull(Type.String()), ...COUNTED })),
  units: Type.Array(
    Type.Object({
      key: Type.String(),
      gtin: orNull(Type.String()),
      serial: orNull(Type.String()),
      lot: orNull(Type.String()),
      expiry: orNull(Type.String()),
      status: orNull(Type.String()),
      holder: orNull(Type.String()),
    }),
  ),
  ...COUNTED,
  description: orNull(Type.String()),
  partners: Type.Array(
    Type.Object({
      party: Type.String(),
      name: orNull(Type.String()),
      roles: Type.Array(Type.String({ description: 'made, shipped, destination, received, handled, or holds it now.' })),
      first: orNull(TIME),
      last: orNull(TIME),
    }),
  ),
});
const SAMPLE = Type.Object({
  finding: Type.Integer(),
  lots: Type.Array(Type.String()),
  holders: Type.Array(Type.String()),
  similar: Type.Integer({ description: 'Packs of these lots that are there, in the same hands, and not among the things of the finding.' }),
  verify: Type.Integer({ description: 'How many of them to verify.' }),
  packs: Type.Array(Type.String()),
  more: Type.Boolean({ description: '`packs` ends before `verify`.' }),
});

const WORDS = Type.String({ maxLength: 2_000 });
const SHORT = Type.String({ minLength: 1, maxLength: 200 });
/** What people write down about a finding; no personal data. */
const WRITTEN = {
  owner: Type.Optional(
    orNull(Type.String({ minLength: 1, maxLength: 200, description: 'Who works on it: a desk or a role, not a name.' })),
  ),
  due: Type.Optional(orNull(TIME)),
  counterpart: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, description: 'The partner whose answer is waited for, such as 414/<gln>.' }),
  ),
  references: Type.Optional(Type.Array(SHORT, { maxItems: 50, description: 'Orders, deliveries, tickets.' })),
  photos: Type.Optional(
    Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$' }), { maxItems: 50, description: 'SHA-256 of pictures that are kept elsewhere.' }),
  ),
  count: Type.Optional(Type.Integer({ minimum: 1, maximum: 1e9, description: 'How many, where serial numbers are not known.' })),
  readPoint: Type.Optional(Type.String({ minLength: 1, maxLength: 400, description: 'Where it was found.' })),
};
const ID = Type.Object({
  id: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'From GET /api/v1/findings.' }),
});
const DONE = Type.Object(
  { at: Type.Optional(TIME), note: Type.String({ minLength: 1, maxLength: 2_000 }) },
  { additionalProperties: false },
);
/** What people may report; the other codes are found by lotline itself. */
const BY_HAND = (Object.keys(FINDINGS) as FindingCode[]).filter((code) => code.startsWith('EX-'));
/** Things that one finding raised by hand may name. */
const THINGS_MAX = 10_000;

const unknownFinding = () =>
  new LotlineError('NOT-FOUND', 'there is no such finding', { at: '{id}', fix: 'Take an id from GET /api/v1/findings.' });
const microseconds = (text: string): number => Date.parse(text) * 1000;
const contradiction = (at: string, what: string, fix: string) => new LotlineError('REQ-FORM', what, { at, fix });

/** The exception list (packs-wire.md). */
export function findingRoutes({ readers, capture }: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    readSmallJson(app);
    const tags = ['Findings'];

    app.get(
      '/findings',
      {
        config: { roles: rolesWith('read') },
        schema: {
          tags,
          summary: 'List findings',
          description:
            'Newest first. One finding names every thing that one event offends with; a page with very many things ends before `perPage`.',
          querystring: Type.Object(
            {
              code: Type.Optional(Type.String({ pattern: '^[A-Z][A-Z0-9-]{1,40}$', description: 'Such as SN-DUP.' })),
              state: Type.Optional(Type.Union([Type.Literal('open'), Type.Literal('closed')], { description: 'Both when not given.' })),
              thing: Type.Optional(Type.String({ description: 'A thing or lot, in any spelling.' })),
              stage: Type.Optional(STAGE),
              severity: Type.Optional(SEVERITY),
              owner: Type.Optional(Type.String({ maxLength: 200, description: 'Who works on it.' })),
              overdue: Type.Optional(Type.Boolean({ description: 'Open, and its due time has passed.' })),
              ...PAGE_PARAMETERS,
            },
            { additionalProperties: false },
          ),
          response: { 200: Type.Unsafe<unknown>(Type.Object({ findings: Type.Array(FINDING) })) },
        },
      },
      async (request, reply) => {
        const { query } = request;
        const page = pageOf(query);
        const before = numberCursor(page);
        const args: FindingsArgs = {
          limit: page.limit,
          ...(before !== undefined && { before }),
          ...(query.code !== undefined && { code: query.code }),
          ...(query.state !== undefined && { state: query.state }),
          ...(query.stage !== undefined && { stage: query.stage }),
          ...(query.severity !== undefined && { severity: query.severity }),
          ...(query.owner !== undefined && { owner: query.owner }),
          ...(query.overdue === true && { dueBefore: Date.now() * 1000 }),
          ...(query.thing !== undefined && { thing: keyIn(query.thing, '?thing') }),
        };
        const { list, more } = await readers.ask('findings', args, wanted(request));
        const last = list.at(-1);
        if (more && last !== undefined) linkNext(reply, '/api/v1/findings', query, String(last.id));
        return { findings: list };
      },
    );

    app.post(
      '/findings',
      {
        config: { roles: rolesWith('resolve') },
        schema: {
          tags,
          summary: 'Open a finding by hand',
          description:
            'An exception of the trade (EX-…, docs/findings.md) that no event tells of. Falls due by its code where no time is given. Name things, or how many there are.',
          body: Type.Object(
            {
              code: Type.Unsafe<FindingCode>({ type: 'string', enum: BY_HAND, description: 'What is wrong.' }),
              things: Type.Optional(Type.Array(Type.String(), { maxItems: THINGS_MAX, description: 'Things or lots, in any spelling.' })),
              note: Type.Optional(WORDS),
              stage: Type.Optional(Type.Unsafe<Stage>({ type: 'string', enum: STAGES.filter((stage) => !isClosing(stage)) })),
              ...WRITTEN,
              owner: Type.Optional(SHORT),
            },
            {
              additionalProperties: false,
              example: { code: 'EX-PND-2', things: ['01/09520123000110/21/ABC'], note: 'Two more than the despatch advice says.' },
            },
          ),
          response: { 201: Type.Unsafe<unknown>(FINDING) },
        },
      },
      async (request, reply) => {
        const { things = [], due, note = '', ...rest } = request.body;
        const keys = things.map((thing, i) => keyIn(thing, `/things/${i}`));
        const token = randomUUID();
        const at = due === undefined ? dueOf(rest.code, Date.now() * 1000) : due === null ? null : microseconds(due);
        await capture.record({ kind: 'raise-finding', ...rest, things: [...new Set(keys)], note, due: at, token }, principalOf(request).id);
        const { list } = await readers.ask('findings', { code: rest.code, token, limit: 1 });
        const [finding] = list;
        if (finding === undefined) throw unknownFinding();
        return await reply.status(201).header('location', `/api/v1/findings/${finding.id}`).send(finding);
      },
    );

    app.get(
      '/findings/:id',
      {
        config: { roles: rolesWith('read') },
        schema: { tags, summary: 'One finding', params: ID, response: { 200: Type.Unsafe<unknown>(FINDING) } },
      },
      async (request) => {
        const [finding] = (await readers.ask('findings', { id: request.params.id, limit: 1 })).list;
        if (finding === undefined) throw unknownFinding();
        return finding;
      },
    );

    app.get(
      '/findings/:id/notification',
      {
        config: { roles: rolesWith('read') },
        schema: {
          tags,
          summary: 'Form data of the notification of illegitimate product',
          description:
            'For what was determined to be illegitimate (domain.md §9): product, lots, serial numbers, quantity, description, and every partner who had it or was to get it. CSV with `Accept: text/csv` or `?format=csv`: a line a unit, then a line a partner.',
          params: ID,
          querystring: Type.Object(
            { format: Type.Optional(Type.Union([Type.Literal('json'), Type.Literal('csv')], { description: 'Goes before Accept.' })) },
            { additionalProperties: false },
          ),
          produces: ['application/json', 'text/csv'],
          response: { 200: Type.Unsafe<unknown>(FORM) },
        },
      },
      async (request, reply) => {
        const { format } = request.query;
        const csv = format === undefined ? accepted(request, ['application/json', 'text/csv']) === 'text/csv' : format === 'csv';
        const form = await readers.ask('notificationForm', { id: request.params.id }, wanted(request));
        if (form === 'unknown') throw unknownFinding();
        if (form === 'undetermined')
          throw new LotlineError('FND-STAGE', 'nothing was determined to be illegitimate by this finding, so there is nothing to notify', {
            at: '{id}',
            fix: 'Set its stage to illegitimate first: that is the determination.',
          });
        if (!csv) return form;
        return await reply.type('text/csv; charset=utf-8; header=present').serializer(String).send(notificationCsv(form));
      },
    );

    app.get(
      '/findings/:id/sample',
      {
        config: { roles: rolesWith('read') },
        schema: {
          tags,
          summary: 'What to verify of similar stock in an investigation',
          description:
            'Of the same lots, in the same hands: a tenth, rounded up, three at least, all where there are fewer (domain.md §9). Names up to 1,000 of them, spread evenly.',
          params: ID,
          response: { 200: Type.Unsafe<unknown>(SAMPLE) },
        },
      },
      async (request) => {
        const sample = await readers.ask('similarStock', { id: request.params.id }, wanted(request));
        if (sample === null) throw unknownFinding();
        return sample;
      },
    );

    app.patch(
      '/findings/:id',
      {
        config: { roles: rolesWith('resolve') },
        schema: {
          tags,
          summary: 'Work on a finding: close it, open it again, move it on',
          description:
            'What is left out stays. Every change is an entry of the journal and survives a rebuild. Stage `illegitimate` is the determination from which the 24 hours of the notification run; `notified` and `terminated` record what was done about it.',
          params: ID,
          body: Type.Object(
            {
              state: Type.Optional(Type.Union([Type.Literal('open'), Type.Literal('closed')])),
              stage: Type.Optional(STAGE),
              note: Type.Optional(Type.String({ maxLength: 2_000, description: 'Why it is closed or opened again; no personal data.' })),
              message: Type.Optional(Type.String({ minLength: 1, maxLength: 2_000, description: 'One more line of what was said.' })),
              notified: Type.Optional(DONE),
              terminated: Type.Optional(DONE),
              ...WRITTEN,
            },
            { additionalProperties: false, minProperties: 1, example: { state: 'closed', note: 'Label reprinted, both packs destroyed.' } },
          ),
          response: { 200: Type.Unsafe<unknown>(FINDING) },
        },
      },
      async (request) => {
        const { id } = request.params;
        const place = await readers.look('findingPlace', { id });
        if (place === null) throw unknownFinding();
        const change = changeOf(place, request.body);
        refuseClosing(place, change);
        const { done } = await capture.record(change, principalOf(request).id);
        const { list } = await readers.ask('findings', { id, limit: 1 });
        const [finding] = list;
        if (!done || finding === undefined) throw unknownFinding();
        return finding;
      },
    );
  };
}

/** What endangers a patient closes when it no longer holds, or by the signed resolution of quality: never from the list (domain.md §12.3, §21). */
function refuseClosing({ code, state }: FindingPlace, { stage }: EditFinding): void {
  if (stage === undefined || !isClosing(stage) || state === 'closed' || FINDINGS[code as FindingCode].severity !== 'patient-safety') return;
  throw new LotlineError('FND-STAGE', `${code} is about patient safety: it is not closed by hand`, {
    at: '/stage',
    fix: 'Have quality resolve it (POST /api/v1/identity/checks/{checkId}/resolution), or capture what puts it right.',
  });
}

type Changes = {
  state?: 'open' | 'closed';
  stage?: Stage;
  note?: string;
  message?: string;
  owner?: string | null;
  due?: string | null;
  notified?: { at?: string; note: string };
  terminated?: { at?: string; note: string };
  counterpart?: string;
  references?: string[];
  photos?: string[];
  count?: number;
  readPoint?: string;
};

/** What a call asks for as a command. State and stage are two views of one thing, so they may not contradict each other. */
function changeOf(place: FindingPlace, changes: Changes): EditFinding {
  const { state, note, message, owner, due, notified, terminated, ...rest } = changes;
  if (state !== undefined && rest.stage !== undefined && isClosing(rest.stage) !== (state === 'closed'))
    throw contradiction('/stage', `a finding that is ${state} is in no stage ${rest.stage}`, 'Leave one of them out.');
  const { stage: asked, ...record } = rest;
  const stage = asked ?? (state === 'closed' ? 'resolved' : state === 'open' && place.state === 'closed' ? 'open' : undefined);
  if ((notified ?? terminated) !== undefined && !place.notifies && stage !== 'illegitimate')
    throw contradiction(
      notified === undefined ? '/terminated' : '/notified',
      'nothing has to be notified of this finding',
      'Set its stage to illegitimate first: that is the determination.',
    );
  const doneAt = (done: { at?: string; note: string }) => ({
    note: done.note,
    at: done.at === undefined ? Date.now() * 1000 : microseconds(done.at),
  });
  return {
    kind: 'edit-finding',
    code: place.code,
    seq: place.seq,
    ...(stage !== undefined && { stage }),
    ...(note !== undefined && { note }),
    ...(message !== undefined && { message }),
    ...(owner !== undefined && { owner }),
    ...(due !== undefined && { due: due === null ? null : microseconds(due) }),
    ...(notified !== undefined && { notified: doneAt(notified) }),
    ...(terminated !== undefined && { terminated: doneAt(terminated) }),
    ...(Object.keys(record).length > 0 && { record }),
  };
}
