import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { rolesWith } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import { toDigitalLink } from '../identifiers/index.ts';
import {
  type Address,
  chooseLink,
  inherited,
  inheritedDefault,
  LINKS_MAX,
  type LinkList,
  linkset,
  linkTypeOf,
  PAGE_POLICY,
  page,
  RESOLVED_KEYS,
  type Resolved,
  readAddress,
  readLinks,
  shortLinkType,
  verificationPath,
} from '../resolver/index.ts';
import { principalOf } from './authenticate.ts';
import { readSmallJson } from './bodies.ts';
import type { ApiDeps } from './deps.ts';
import { accepted } from './negotiate.ts';
import { found, keyIn } from './things.ts';

const LINKSET = 'application/linkset+json';
/** Links change seldom, and a recalled lot's soon after. */
const CACHE = 'public, max-age=60';
const VERIFICATION = linkTypeOf('gs1:verificationService');

/** GS1 Digital Links at the root (codes.md §4): free of access, and telling no more than where they lead. */
export function resolverRoutes({ readers }: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addHook('onRequest', async (_request, reply) => {
      // Public answers: pages of any origin may read them, and no credentials are looked at.
      void reply.headers({
        'access-control-allow-origin': '*',
        'access-control-expose-headers': 'Link, Location',
        vary: 'Accept, Accept-Language',
      });
    });
    const config = { public: true };
    const schema = {
      tags: ['Resolver'],
      summary: 'Follow a GS1 Digital Link',
      description:
        'A page for people (`text/html`), a linkset for machines (`application/linkset+json`, or `linkType=linkset`), a redirection to one link (`linkType=gs1:pip`), or to the default link. A serial or lot that is not known of a product that is: 404, with the links of the product.',
      params: Type.Object({
        value: Type.String({ description: 'The value of the key; qualifiers follow in the path, attributes in the query.' }),
      }),
      querystring: Type.Object({
        linkType: Type.Optional(
          Type.Unsafe<unknown>({ description: '`linkset` or `all`, a link type such as `gs1:pip`, or `gs1:verificationService`.' }),
        ),
      }),
      response: {
        200: Type.Unsafe<unknown>({ type: 'object', description: 'A linkset (RFC 9264), or a page.' }),
        307: Type.Unsafe<unknown>({ type: 'null', description: 'The link that was chosen stands in Location.' }),
      },
    };
    const resolve = async (request: FastifyRequest, reply: FastifyReply) => {
      const address = readAddress(request.raw.url as string);
      return answer(request, reply, address, await readers.look('resolved', { levels: address.levels }));
    };
    const options = async (_request: FastifyRequest, reply: FastifyReply) =>
      reply
        .code(204)
        .headers({ allow: 'GET, HEAD, OPTIONS', 'access-control-allow-methods': 'GET, HEAD, OPTIONS', 'access-control-allow-headers': '*' })
        .send();
    // Queries of Digital Links are read as they stand: parameters that are not known pass (codes.md §4).
    const asTheyStand = () => () => true;
    for (const ai of RESOLVED_KEYS) {
      app.get(`/${ai}/:value`, { config, schema, validatorCompiler: asTheyStand }, resolve);
      app.get(`/${ai}/*`, { config, schema: { hide: true } }, resolve);
      app.options(`/${ai}/*`, { config, schema: { hide: true } }, options);
    }

    app.get(
      '/.well-known/gs1resolver',
      {
        config,
        schema: {
          tags: ['Resolver'],
          summary: 'What this resolver can do',
          description: 'The description file of GS1-conformant resolvers.',
          response: { 200: Type.Unsafe<unknown>({ type: 'object', description: 'Keys and link types.' }) },
        },
      },
      async (request) => ({
        name: 'lotline',
        resolverRoot: `${request.protocol}://${request.host}`,
        supportedPrimaryKeys: RESOLVED_KEYS,
        supportedLinkType: [{ namespace: 'https://gs1.org/voc/', prefix: 'gs1:', profile: 'https://www.gs1.org/voc/?show=linktypes' }],
        linkTypeDefaultCanBeLinkset: true,
        validatesAssociations: true,
      }),
    );
  };
}

function answer(request: FastifyRequest, reply: FastifyReply, address: Address, { known, levels, product }: Resolved): FastifyReply {
  const { accept, 'accept-language': acceptLanguage } = request.headers;
  const links = inherited(levels);
  const wantsLinkset = address.linkType === 'linkset' || address.linkType === 'all';
  const asked = address.linkType === null || wantsLinkset ? null : linkTypeOf(address.linkType);
  if (address.linkType !== null && !wantsLinkset && asked === null)
    throw new LotlineError('REQ-FORM', `${address.linkType?.slice(0, 100)}: no link type`, {
      at: '?linkType',
      fix: 'Ask for linkset, or for a type such as gs1:pip.',
    });
  const [finest] = address.levels as readonly [string, ...string[]];
  const isKnown = known === finest;
  const leadTo = (href: string) => reply.header('cache-control', isKnown ? CACHE : 'no-store').redirect(href, 307);
  if (isKnown && asked !== null) {
    const link = chooseLink(links, asked, { acceptLanguage, accept });
    if (link !== null) return leadTo(link.href);
  }
  if (asked === VERIFICATION) {
    // Whether the pack is genuine is for the question itself to say, known here or not.
    const path = verificationPath(address);
    if (path !== null) return leadTo(path);
  }
  if (known === null)
    throw new LotlineError('NOT-FOUND', `${finest} is not known here`, { fix: 'Check the number, or ask the resolver of its maker.' });
  const preferred = inheritedDefault(levels);
  if (isKnown && address.linkType === null && preferred !== null && !/application\/(?:linkset\+)?json/i.test(accept ?? '')) {
    const link = chooseLink(links, preferred, { acceptLanguage, accept });
    if (link !== null) return leadTo(link.href);
  }
  const form = wantsLinkset ? LINKSET : accepted(request, [LINKSET, 'application/json', 'text/html']);
  const missing = !isKnown
    ? 'This number is not known here. Below is what is known of the product that it names.'
    : asked !== null
      ? `There is no link of the type ${shortLinkType(asked)} here.`
      : null;
  // Serial numbers may hold < and >, and in the header those end an address.
  const path = ((request.raw.url as string).split('?', 1)[0] as string).replace(/[<>"]/g, encodeURIComponent);
  void reply
    .code(missing === null ? 200 : 404)
    .header('cache-control', missing === null ? CACHE : 'no-store')
    .header(
      'link',
      [`<${path}?linkType=linkset>; rel="linkset"; type="${LINKSET}"`, `<${toDigitalLink(finest) ?? finest}>; rel="canonical"`].join(', '),
    );
  const { name, regulatedProductName, descriptionShort, ...facts } = product;
  const title = regulatedProductName ?? name ?? descriptionShort ?? null;
  if (form !== 'text/html') return reply.type(form).send(linkset({ key: known, name: title, links, default: preferred }));
  return reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', PAGE_POLICY)
    .serializer((text: string) => text)
    .send(page({ elements: address.elements, name: title, facts, links, missing }));
}

const THING = Type.Object({
  thing: Type.String({ description: 'A product, lot or thing in any spelling, percent-encoded.', example: '01/09520123000110' }),
});
const LINK = Type.Object(
  {
    linkType: Type.String({ minLength: 1, maxLength: 500, description: 'Of the GS1 vocabulary, such as gs1:pip, or an http address.' }),
    href: Type.String({ minLength: 1, maxLength: 2_048, description: 'An http or https address.' }),
    title: Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\u0000-\\u001f]*$' }),
    hreflang: Type.Optional(
      Type.Array(Type.String({ pattern: '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$', maxLength: 35 }), {
        maxItems: 20,
        description: 'Languages; any when not given.',
      }),
    ),
    type: Type.Optional(Type.String({ pattern: '^[\\w.+-]+/[\\w.+-]+$', maxLength: 100, description: 'Media type.' })),
  },
  { additionalProperties: false },
);
const LIST = Type.Object(
  {
    links: Type.Array(LINK, { minItems: 1, maxItems: LINKS_MAX }),
    default: Type.Optional(
      Type.String({
        maxLength: 500,
        description: 'The link type that is followed where none is asked for; the links are listed when not given.',
      }),
    ),
  },
  {
    additionalProperties: false,
    example: {
      links: [{ linkType: 'gs1:pip', href: 'https://partner.example/product', title: 'Product', hreflang: ['en'] }],
      default: 'gs1:pip',
    },
  },
);

/** Where Digital Links lead: links of products, lots and things. */
export function linkRoutes({ readers, capture }: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    readSmallJson(app);
    const config = { roles: rolesWith('administer') };
    const tags = ['Resolver'];
    const response = { 200: Type.Unsafe<unknown>(Type.Object({ thing: Type.String(), ...LIST.properties })) };

    app.put(
      '/links/:thing',
      {
        config,
        schema: {
          tags,
          summary: 'Put the links of a thing, lot or product',
          description:
            'They replace those that were there. Lots inherit from their product, and things from their lot: of each link type, what stands at the finest level holds.',
          params: THING,
          body: LIST,
          response,
        },
      },
      async (request) => {
        const thing = linkedKey(request.params.thing);
        const list = readLinks(request.body);
        await capture.record({ kind: 'put-links', thing, ...list }, principalOf(request).id);
        return told(thing, list);
      },
    );

    app.get(
      '/links/:thing',
      {
        config,
        schema: {
          tags,
          summary: 'The links of a thing, lot or product',
          description: 'Its own, without those that it inherits.',
          params: THING,
          response,
        },
      },
      async ({ params }) => {
        const thing = linkedKey(params.thing);
        return told(thing, found(await readers.look('linksOf', { of: thing }), `a link of ${thing}`));
      },
    );

    app.delete(
      '/links/:thing',
      {
        config,
        schema: {
          tags,
          summary: 'Remove the links of a thing, lot or product',
          description: 'Those that it inherits hold again.',
          params: THING,
          response: { 204: Type.Unsafe<unknown>({ type: 'null', description: 'Removed.' }) },
        },
      },
      async (request, reply) => {
        const thing = linkedKey(request.params.thing);
        const { done } = await capture.record({ kind: 'remove-links', thing }, principalOf(request).id);
        found(done ? done : null, `a link of ${thing}`);
        return await reply.code(204).send();
      },
    );
  };
}

/** The key of what a Digital Link can name. */
function linkedKey(text: string): string {
  const key = keyIn(text, '{thing}');
  if (toDigitalLink(key) !== null) return key;
  throw new LotlineError('ID-FORM', `${key.slice(0, 200)}: no Digital Link leads there`, {
    at: '{thing}',
    fix: 'Name a GS1 key, such as a GTIN with its lot or serial number.',
  });
}

function told(thing: string, { links, default: preferred }: LinkList): unknown {
  return {
    thing,
    links: links.map(({ linkType, hreflang, type, ...link }) => ({
      linkType: shortLinkType(linkType),
      ...link,
      ...(hreflang.length > 0 && { hreflang }),
      ...(type !== null && { type }),
    })),
    ...(preferred !== null && { default: shortLinkType(preferred) }),
  };
}
