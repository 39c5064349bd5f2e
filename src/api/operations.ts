import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { rolesWith } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import type { ApiDeps } from './deps.ts';
import type { Metrics } from './metrics.ts';

/** For whoever runs the service: alive, ready, figures. */
export function operationRoutes({ settings, capture, readers }: ApiDeps, metrics: Metrics): FastifyPluginAsyncTypebox {
  return async (app) => {
    const tags = ['Operations'];
    const STATUS = { 200: Type.Unsafe<unknown>(Type.Object({ status: Type.String() })) };

    app.get(
      '/health/live',
      { config: { public: true }, schema: { tags, summary: 'Whether the process runs', response: STATUS } },
      async () => ({
        status: 'live',
      }),
    );

    app.get(
      '/health/ready',
      {
        config: { public: true },
        schema: {
          tags,
          summary: 'Whether the service can take and answer',
          description: '503 while the store refuses to write.',
          response: STATUS,
        },
      },
      async () => {
        await readers.look('latestCheckpoint', {});
        if (!capture.healthy)
          throw new LotlineError('REQ-BUSY', 'the store refuses to write', {
            fix: 'See the log of the service; it tries again by itself.',
          });
        return { status: 'ready' };
      },
    );

    app.get(
      '/metrics',
      {
        config: settings.metricsPublic ? { public: true } : { roles: rolesWith('metrics') },
        schema: {
          tags,
          summary: 'Figures for Prometheus',
          description: 'Takes a key unless LOTLINE_METRICS_PUBLIC is on.',
          produces: ['text/plain'],
        },
      },
      async (_request, reply) => reply.type(metrics.registry.contentType).send(await metrics.text()),
    );
  };
}
