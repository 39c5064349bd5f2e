import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { ROLE_NAMES, rolesWith } from '../access/index.ts';
import type { PendingJob } from '../capture/service.ts';
import { captureJobToXml, isXml, serializeXml } from '../epcis/index.ts';
import { LotlineError, type Problem } from '../errors.ts';
import { readReceipt } from '../integrations/receipt.ts';
import type { EndedJob } from '../query/capture-jobs.ts';
import { principalOf, seesAllJobs } from './authenticate.ts';
import { bodyOf } from './bodies.ts';
import type { ApiDeps } from './deps.ts';
import { answerOptions, checkDocumentVersion, type DocumentType, isXmlType, JSON_TYPES, XML_TYPES } from './epcis-headers.ts';
import { wanted } from './limits.ts';
import { accepted } from './negotiate.ts';
import { linkNext, numberCursor, PAGE_PARAMETERS, pageOf } from './paging.ts';
import { answerProblem, RefusedDocument } from './problems.ts';

/** Documents up to this size are read before they are answered (R-19, R-20, C-8, C-9): what is wrong with them is a 400 and not an error of the job. */
export const READ_BEFORE_ANSWER_MAX = 1024 * 1024;

const DOCUMENT = Type.Unsafe<Buffer>({
  type: 'object',
  description:
    'An EPCISDocument or EPCISQueryDocument in EPCIS 2.0 JSON; or in XML of 2.0, 1.2 or 1.1, where it may be an EPCISMasterDataDocument as well.',
  additionalProperties: true,
});
const CAPTURE_ID = 'Lotline-Capture-ID';
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const JOB = Type.Object({
  captureID: Type.String(),
  running: Type.Boolean(),
  success: Type.Boolean({ description: 'True until an error is met.' }),
  createdAt: Type.String({ format: 'date-time' }),
  finishedAt: Type.Optional(Type.String({ format: 'date-time' })),
  captureErrorBehaviour: Type.Union([Type.Literal('rollback'), Type.Literal('proceed')]),
  errors: Type.Array(Type.Object({}, { additionalProperties: true, description: 'A problem, with the index of its event.' })),
});

/** A capture job on the wire. */
export type WireJob = {
  captureID: string;
  running: boolean;
  success: boolean;
  createdAt: string;
  finishedAt?: string;
  captureErrorBehaviour: 'rollback' | 'proceed';
  errors: readonly Problem[];
};

/** The capture interface (epcis-2.0.md §6, §7.4). Thin: check what was sent, keep it, tell where its job is. */
export function captureRoutes(deps: ApiDeps): FastifyPluginAsyncTypebox {
  const { settings, capture, readers, documents, clocks } = deps;
  const maxEvents = settings.captureMaxEvents;
  const limits = {
    'gs1-epcis-capture-limit': String(settings.captureMaxEvents),
    'gs1-epcis-capture-file-size-limit': String(settings.captureMaxBytes),
  };
  const log = deps.log ?? ((line: string) => console.error(line));

  return async (app) => {
    app.options('/capture', { schema: { hide: true }, config: { roles: ROLE_NAMES } }, (_request, reply) =>
      answerOptions(reply, 'OPTIONS, POST, GET', { ...limits, 'gs1-capture-error-behaviour': 'all' }),
    );
    app.options('/capture/:captureID', { schema: { hide: true }, config: { roles: ROLE_NAMES } }, (_request, reply) =>
      answerOptions(reply, 'OPTIONS, GET'),
    );

    app.post(
      '/capture',
      {
        config: { roles: rolesWith('capture') },
        schema: {
          tags: ['EPCIS 2.0'],
          summary: 'Capture a document',
          description:
            'Answers 202 when the document is kept durably; its job tells how it ended. A document up to 1 MiB is read before the answer: what is wrong with it is a 400 whose `errors` list every fault. Header `GS1-Capture-Error-Behaviour`: `rollback` (default: one bad event and nothing is stored) or `proceed`.',
          consumes: [...JSON_TYPES, ...XML_TYPES],
          headers: Type.Object({
            'gs1-capture-error-behaviour': Type.Optional(Type.String({ description: '`rollback` or `proceed`.' })),
            'gs1-epcis-version': Type.Optional(Type.String({ description: 'The version of the document, like 2.0.0.' })),
            'lotline-capture-id': Type.Optional(
              Type.String({
                format: 'uuid',
                description:
                  'A random UUID that the sender has chosen for this document. The same document sent again under it is the same capture: it is answered 202 with the same Location, and nothing is taken twice.',
              }),
            ),
            'lotline-gateway': Type.Optional(
              Type.String({
                description:
                  'Which gateway forwards the document, when it took it by its own clock, and how many ms that clock is ahead: `line 1; received=2026-03-02T02:15:00.000Z; offset=-40`.',
              }),
            ),
          }),
          body: DOCUMENT,
          response: { 202: Type.Unsafe<unknown>({ type: 'null', description: 'Kept. `Location` is the capture job.' }) },
        },
        // The bytes are not parsed here, so there is no object whose shape could be checked.
        validatorCompiler: () => () => true,
        errorHandler: (error, request, reply) => {
          if (isTooLarge(error)) void reply.headers(limits);
          void answerProblem(error, request, reply, log);
        },
      },
      async (request, reply) => {
        const behaviour = errorBehaviour(request);
        const actor = principalOf(request).id;
        const captureID = chosenID(request);
        const receipt = receiptOf(request);
        const answer = async (id: string) =>
          await reply.code(202).header('location', `/epcis/capture/${id}`).header('gs1-capture-error-behaviour', behaviour).send();
        if (captureID !== undefined && (await isTaken(captureID, actor))) return await answer(captureID);
        const sent = bodyOf(request);
        // Under proceed, what is wrong with single events is told by the job.
        const whole = behaviour === 'rollback' && sent.length <= READ_BEFORE_ANSWER_MAX;
        const read = await documents.read('examine', sent, { maxEvents, whole }, wanted(request));
        const { body, schemaVersion, errors, events, latest } = read;
        checkDocumentVersion(request, { schemaVersion, xml: isXml(body) });
        if (errors.length > 0) throw new RefusedDocument(errors);
        const taken = await capture.accept({ body, actor, behaviour, ...(captureID !== undefined && { captureID }) });
        if (latest !== null) clocks.saw({ source: receipt?.source ?? actor, at: receipt?.at ?? Date.now(), events, latest, ...taken });
        return await answer(taken.captureID);
      },
    );

    app.get(
      '/capture',
      {
        config: { roles: rolesWith('see-own-jobs') },
        schema: {
          tags: ['EPCIS 2.0'],
          summary: 'List capture jobs',
          description: 'Newest first. A key of the role line sees its own alone.',
          querystring: Type.Object(PAGE_PARAMETERS, { additionalProperties: false }),
          response: { 200: Type.Unsafe<unknown>(Type.Array(JOB)) },
        },
      },
      async (request, reply) => {
        const type = accepted(request, JSON_TYPES);
        const page = pageOf(request.query);
        const before = numberCursor(page);
        const actor = seesAllJobs(request) ? undefined : principalOf(request).id;
        const jobs = await jobsBefore(before, actor, page.limit + 1);
        const last = jobs[page.limit - 1];
        if (jobs.length > page.limit && last !== undefined) linkNext(reply, '/epcis/capture', request.query, String(last.number));
        return await reply.type(type).send(JSON.stringify(jobs.slice(0, page.limit).map((job) => job.wire)));
      },
    );

    app.get(
      '/capture/:captureID',
      {
        config: { roles: rolesWith('see-own-jobs') },
        schema: {
          tags: ['EPCIS 2.0'],
          summary: 'One capture job',
          params: Type.Object({ captureID: Type.String({ description: 'From the Location of the capture.' }) }),
          response: { 200: Type.Unsafe<unknown>(JOB) },
        },
      },
      async (request: FastifyRequest<{ Params: { captureID: string } }>, reply: FastifyReply) => {
        const type = accepted<DocumentType>(request, [...JSON_TYPES, ...XML_TYPES]);
        const job = await findJob(request.params.captureID, seesAllJobs(request) ? undefined : principalOf(request).id);
        if (job === null)
          throw new LotlineError('NOT-FOUND', 'there is no such capture job', {
            fix: 'Use the Location that the capture was answered with.',
          });
        void reply.header('gs1-capture-error-behaviour', job.captureErrorBehaviour);
        if (!isXmlType(type)) return await reply.type(type).send(JSON.stringify(job));
        return await reply.type(`${type}; charset=utf-8`).send(serializeXml(captureJobToXml(job), { declaration: true }));
      },
    );
  };

  /** Jobs waiting and ended as one list. A job that ends meanwhile may be seen in both places: ended counts. */
  async function jobsBefore(
    before: number | undefined,
    actor: string | undefined,
    limit: number,
  ): Promise<{ number: number; wire: WireJob }[]> {
    const waiting = (await capture.pending()).filter(
      (job) => (before === undefined || job.id < before) && (actor === undefined || job.actor === actor),
    );
    // A page of failed jobs, each with its thousand errors, is no look-up.
    const ended = await readers.ask('captureJobs', {
      limit,
      ...(before !== undefined && { before }),
      ...(actor !== undefined && { actor }),
    });
    const known = new Set(ended.map((job) => job.captureID));
    return [
      ...waiting.filter((job) => !known.has(job.captureID)).map((job) => ({ number: job.id, wire: wirePending(job) })),
      ...ended.map((job) => ({ number: job.number, wire: wireEnded(job) })),
    ]
      .sort((a, b) => b.number - a.number)
      .slice(0, limit);
  }

  /** Whether a document was taken under this id before. An id is whoever's it is: for another it is no free one. */
  async function isTaken(captureID: string, actor: string): Promise<boolean> {
    const [ended] = await readers.look('captureJobs', { captureID, limit: 1 });
    const job = ended ?? (await capture.pending(captureID))[0];
    if (job === undefined || job.actor === actor) return job !== undefined;
    throw new LotlineError('EV-ID-TAKEN', 'another sender has a capture of this id', {
      at: CAPTURE_ID,
      fix: 'Choose a new random UUID for the document.',
    });
  }

  async function findJob(captureID: string, actor: string | undefined): Promise<WireJob | null> {
    const mine = { captureID, limit: 1, ...(actor !== undefined && { actor }) };
    const [ended] = await readers.look('captureJobs', mine);
    if (ended !== undefined) return wireEnded(ended);
    const [waiting] = await capture.pending(captureID);
    if (waiting !== undefined && (actor === undefined || waiting.actor === actor)) return wirePending(waiting);
    const [justEnded] = await readers.look('captureJobs', mine); // it left the one list after we had read the other
    return justEnded === undefined ? null : wireEnded(justEnded);
  }
}

/** Rollback, unless the header says otherwise. */
export function errorBehaviour(request: FastifyRequest): 'rollback' | 'proceed' {
  const value = request.headers['gs1-capture-error-behaviour'] ?? 'rollback';
  if (value === 'rollback' || value === 'proceed') return value;
  throw new LotlineError('REQ-FORM', `GS1-Capture-Error-Behaviour is ${String(value).slice(0, 50)}`, {
    at: 'GS1-Capture-Error-Behaviour',
    fix: 'Write rollback or proceed, or leave the header out.',
  });
}

function chosenID(request: FastifyRequest): string | undefined {
  const id = request.headers['lotline-capture-id'];
  if (id === undefined || (typeof id === 'string' && UUID.test(id))) return id?.toLowerCase();
  throw new LotlineError('REQ-FORM', `${CAPTURE_ID} is ${String(id).slice(0, 50)}`, {
    at: CAPTURE_ID,
    fix: 'Choose a random UUID, or leave the header out.',
  });
}

/** Who took the document for us, and when by a clock that agrees with ours. */
function receiptOf(request: FastifyRequest): { source: string; at: number } | null {
  const header = request.headers['lotline-gateway'];
  if (header === undefined) return null;
  const read = readReceipt(String(header));
  if (read !== null) return { source: read.name, at: read.received - read.offsetMs };
  throw new LotlineError('REQ-FORM', `Lotline-Gateway is ${String(header).slice(0, 100)}`, {
    at: 'Lotline-Gateway',
    fix: 'Write it like: line 1; received=2026-03-02T02:15:00.000Z; offset=-40',
  });
}

const isTooLarge = (error: unknown) => {
  const { code } = error as { code?: unknown };
  return code === 'REQ-LIMIT' || code === 'FST_ERR_CTP_BODY_TOO_LARGE';
};

function wirePending(job: PendingJob): WireJob {
  return {
    captureID: job.captureID,
    running: true,
    success: true,
    createdAt: new Date(job.created).toISOString(),
    captureErrorBehaviour: job.behaviour,
    errors: [],
  };
}

function wireEnded(job: EndedJob): WireJob {
  return {
    captureID: job.captureID,
    running: false,
    success: job.success,
    createdAt: new Date(job.created).toISOString(),
    finishedAt: new Date(job.finished).toISOString(),
    captureErrorBehaviour: job.behaviour,
    errors: job.errors,
  };
}
