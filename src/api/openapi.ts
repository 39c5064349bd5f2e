import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifyPluginAsync, FastifySchema } from 'fastify';
import { ROLE_NAMES } from '../access/index.ts';
import { VERSION } from '../settings.ts';
import { type ApiDocument, docsPage } from './docs-page.ts';
import { describeRoute } from './route-description.ts';
import { WEBHOOKS } from './webhook-description.ts';

const PROBLEM = {
  $id: 'Problem',
  type: 'object',
  description: 'RFC 9457, with our members.',
  required: ['type', 'title', 'status', 'detail', 'code', 'at', 'fix'],
  properties: {
    type: { type: 'string', description: 'epcisException:<name>' },
    title: { type: 'string', description: 'What is wrong.' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', description: 'Never changes its meaning.' },
    at: { type: 'string', description: 'JSON Pointer into the body, ?name of a parameter, or the name of a header.' },
    fix: { type: 'string', description: 'One imperative sentence.' },
    things: { type: 'array', items: { type: 'string' } },
    errors: { type: 'array', items: { type: 'object' }, description: 'Every fault of a document, where there are several.' },
  },
};

/** An answer that is a problem. */
export const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
});

/** Gathers the description of the interface from the schemas of its routes. Called before they are registered. */
export async function describeInterface(app: FastifyInstance): Promise<void> {
  app.addSchema(PROBLEM);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'lotline',
        version: VERSION,
        description:
          'The open event ledger for serialized medicines and cell therapies: EPCIS 2.0 capture, genealogy, transparency log. Every answer that is no success is a problem that says what is wrong, where, and how to mend it.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      webhooks: WEBHOOKS as never,
      components: {
        securitySchemes: {
          key: { type: 'http', scheme: 'bearer', description: 'An API key or the session of a person: Authorization: Bearer lk_… or ls_…' },
        },
      },
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, i) => (typeof json['$id'] === 'string' ? json['$id'] : `shape-${i}`) },
    transform: ({ schema, url, route }) => {
      const open = route.config?.public === true;
      const some = route.config?.roles ?? [];
      const roles = some.length === ROLE_NAMES.length ? 'every role' : some.join(', ');
      const whole = describeRoute([route.method].flat()[0] as string, url, (schema ?? {}) as FastifySchema);
      const text = (schema as { description?: string } | undefined)?.description;
      const described = {
        ...whole,
        description: [text, open ? 'Free of access: no key.' : `Roles: ${roles}.`].filter((part) => part !== undefined).join(' '),
        security: open ? [] : [{ key: [] }],
        response: {
          ...((whole.response as object | undefined) ?? { 200: { type: 'string', description: 'The answer.' } }),
          ...(!open && {
            401: problem('No key, or none that is in force.'),
            403: problem(some.length === ROLE_NAMES.length ? 'The key has no role.' : `The key has none of the roles ${roles}.`),
          }),
          default: problem('What went wrong, as a problem (RFC 9457).'),
        },
      };
      return { schema: described as FastifySchema, url };
    },
  });
}

/** The description as JSON, and as a page to read. */
export function openapiRoutes(): FastifyPluginAsync {
  return async (app) => {
    let page: string | null = null;
    app.get('/api/v1/openapi.json', { schema: { hide: true }, config: { public: true } }, async (_request, reply) =>
      reply.header('cache-control', 'max-age=300').send(app.swagger()),
    );
    app.get('/docs', { schema: { hide: true }, config: { public: true } }, async (_request, reply) => {
      page ??= docsPage(app.swagger() as unknown as ApiDocument);
      return reply
        .type('text/html; charset=utf-8')
        .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
        .header('cache-control', 'max-age=300')
        .send(page);
    });
  };
}
