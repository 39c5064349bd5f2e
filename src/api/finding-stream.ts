import type { ServerResponse } from 'node:http';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import type { ApiDeps } from './deps.ts';

/** Streams of one process; each asks for what is new. */
const STREAMS_MAX = 200;
/** A proxy closes what is silent for longer. */
const BEAT_MS = 15_000;
/** Findings by acts of people are told by no capture. */
const LOOK_MS = 2_000;
const PAGE = 100;

type Stream = { readonly raw: ServerResponse; after: number | null; beat: number };

/** Findings about patient safety as they are made (domain.md §21): nothing of it can be filtered away. */
export function findingStream({ readers, capture, log }: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    const streams = new Set<Stream>();
    let looking: Promise<void> | null = null;
    let again = false;

    const tell = async (stream: Stream): Promise<void> => {
      for (;;) {
        const found = await readers.look('safetyFindings', { after: stream.after, limit: PAGE });
        for (const { id } of found) {
          const [finding] = (await readers.look('findings', { id, limit: 1 })).list;
          if (finding !== undefined && streams.has(stream))
            stream.raw.write(`id: ${id}\nevent: finding\ndata: ${JSON.stringify(finding)}\n\n`);
          stream.after = id;
        }
        stream.after ??= 0;
        if (found.length < PAGE) return;
      }
    };
    const look = (): void => {
      if (looking !== null) {
        again = true;
        return;
      }
      looking = (async () => {
        do {
          again = false;
          for (const stream of streams) await tell(stream);
        } while (again);
      })()
        .catch((error: Error) => log?.(`findings cannot be streamed: ${error.message}`))
        .finally(() => {
          looking = null;
        });
    };
    capture.onChange(() => {
      if (streams.size > 0) look();
    });
    const timer = setInterval(() => {
      if (streams.size === 0) return;
      for (const stream of streams) {
        stream.beat += LOOK_MS;
        if (stream.beat < BEAT_MS) continue;
        stream.beat = 0;
        stream.raw.write(': still here\n\n');
      }
      look();
    }, LOOK_MS).unref();
    app.addHook('preClose', async () => {
      clearInterval(timer);
      for (const { raw } of streams) raw.end();
      streams.clear();
    });

    app.get(
      '/findings/stream',
      {
        config: { roles: rolesWith('read') },
        exposeHeadRoute: false,
        schema: {
          tags: ['Findings'],
          summary: 'Findings about patient safety, as they are made',
          description:
            'Server-sent events (`event: finding`, `id` is the finding’s). A client that comes back with Last-Event-ID gets what it has missed; a new one first gets what is open.',
          headers: Type.Object({
            'last-event-id': Type.Optional(Type.String({ maxLength: 20, description: 'The last id that the client has seen.' })),
          }),
          produces: ['text/event-stream'],
          response: { 200: Type.Unsafe<unknown>({ type: 'string', description: 'A stream without end.' }) },
        },
      },
      (request, reply) => {
        const { 'last-event-id': last } = request.headers;
        if (last !== undefined && !/^\d{1,15}$/.test(String(last)))
          throw new LotlineError('REQ-FORM', 'the Last-Event-ID is no id of a finding', {
            at: 'Last-Event-ID',
            fix: 'Send the last id of the stream, or none.',
          });
        if (streams.size >= STREAMS_MAX)
          throw new LotlineError('REQ-BUSY', `${STREAMS_MAX} streams are open`, { fix: 'Come back in a little while.' });
        void reply.hijack();
        const { raw } = reply;
        raw.writeHead(200, {
          ...reply.getHeaders(),
          'content-type': 'text/event-stream; charset=utf-8',
          'cache-control': 'no-store',
          'x-accel-buffering': 'no',
        } as Record<string, string>);
        raw.write('retry: 2000\n\n');
        const stream: Stream = { raw, after: last === undefined ? null : Number(last), beat: 0 };
        streams.add(stream);
        raw.once('close', () => streams.delete(stream));
        look();
      },
    );
  };
}
