import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import { parseTilePath } from '../ledger/index.ts';
import type { ApiDeps } from './deps.ts';

/** Proofs, put together for who does not want to fetch tiles. */
export function proofRoutes({ readers }: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    const config = { roles: rolesWith('read') };
    const tags = ['Ledger'];

    app.get(
      '/ledger/proof',
      {
        config,
        schema: {
          tags,
          summary: 'Proof that an event stands in the log',
          description:
            'Against the newest checkpoint. `leaf` is the text that the log vouches for; `text` is the proof as a file (c2sp.org/tlog-proof). Hashes are base64.',
          querystring: Type.Object(
            { event: Type.String({ minLength: 1, description: 'Event hash (ni:…), eventID or sequence number.', example: '0' }) },
            { additionalProperties: false },
          ),
          response: {
            200: Type.Unsafe<unknown>({
              type: 'object',
              description: '{seq, eventHash, leaf, treeSize, rootHash, hashes, checkpoint, text}',
            }),
          },
        },
      },
      async ({ query }) => {
        const proof = await readers.look('inclusion', query);
        if (proof === null)
          throw new LotlineError('NOT-FOUND', 'the log has no such event', {
            at: '?event',
            fix: 'Give an event hash, an eventID or a sequence number.',
          });
        return proof;
      },
    );

    app.get(
      '/ledger/consistency',
      {
        config,
        schema: {
          tags,
          summary: 'Proof that the log continues what it was',
          description: 'Sizes are numbers of entries, as in checkpoints; `to` is now when it is not given. Hashes are base64.',
          querystring: Type.Object(
            {
              from: Type.Integer({ minimum: 0, example: 1, description: 'Size of the earlier tree.' }),
              to: Type.Optional(
                Type.Integer({ minimum: 0, description: 'Size of the later tree; that of the newest checkpoint when not given.' }),
              ),
            },
            { additionalProperties: false },
          ),
          response: { 200: Type.Unsafe<unknown>({ type: 'object', description: '{from, to, fromRootHash, toRootHash, hashes}' }) },
        },
      },
      async ({ query }) => await readers.look('consistency', query),
    );
  };
}

/** The log as monitors and witnesses read it (c2sp.org/tlog-tiles). Open to all where LOTLINE_LEDGER_PUBLIC says so. */
export function ledgerRoutes({ settings, readers, vkey }: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    const config = settings.ledgerPublic ? { public: true } : { roles: rolesWith('read') };
    const tags = ['Ledger'];
    const text = 'text/plain; charset=utf-8';
    // A tile never changes once it is there; who may keep it follows from who may read it.
    const forever = `${settings.ledgerPublic ? 'public' : 'private'}, max-age=31536000, immutable`;
    const absent = (what: string) => new LotlineError('NOT-FOUND', what, { fix: 'See the size in /ledger/checkpoint.' });

    app.get(
      '/checkpoint',
      {
        config,
        schema: {
          tags,
          summary: 'The newest checkpoint',
          description: 'A signed note: origin, size, root hash.',
          produces: ['text/plain'],
        },
      },
      async (_request, reply) => {
        const head = await readers.look('latestCheckpoint', {});
        if (head === null) throw absent('the log is empty');
        return await reply.type(text).send(head.text);
      },
    );

    app.get(
      '/key',
      {
        config,
        schema: {
          tags,
          summary: 'The public key of the log',
          description: 'In the verifier form of signed notes.',
          produces: ['text/plain'],
        },
      },
      async (_request, reply) => reply.type(text).send(`${vkey}\n`),
    );

    app.get(
      '/tile/*',
      {
        config,
        schema: {
          tags,
          summary: 'A tile of hashes, or a bundle of entries',
          description: '`/ledger/tile/<level>/<index>` or `/ledger/tile/entries/<index>`, with `.p/<width>` for a partial one.',
          params: Type.Object({ '*': Type.String({ example: '0/000.p/1' }) }),
          produces: ['application/octet-stream'],
        },
      },
      async ({ params }, reply) => {
        const { level, index, width } = parseTilePath(`/tile/${params['*']}`);
        const bytes =
          level === 'entries' ? await readers.look('entryBundle', { index, width }) : await readers.look('tile', { level, index, width });
        if (bytes === null) throw absent('the log has not come that far');
        return await reply.type('application/octet-stream').header('cache-control', forever).send(Buffer.from(bytes));
      },
    );
  };
}
