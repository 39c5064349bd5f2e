/**
 * web: the page at `/` for people who investigate. Static files, the same for everybody and public; what it shows it asks the API for, with
 * the key that its reader has. No file is read per request, and nothing comes from another origin.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';

const PUBLIC = new URL('./public/', import.meta.url);
const BUNDLER = new URL('../../scripts/build-web.mjs', import.meta.url);
const VERIFIER = 'verifier.js';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Only what this service serves runs, loads or is asked; nothing may frame the page, and no text becomes markup. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  'cache-control': 'no-cache',
};

type Asset = { type: string; body: Buffer; etag: string };

/**
 * The page and its files, at `/` and `/assets/…`; no key is asked for. The verifier is a file of the built program; from source it is
 * bundled when it is first wanted, so that it is never older than src/ledger.
 */
export function webPages(): FastifyPluginAsync {
  return async (app) => {
    const assets = new Map(readdirSync(PUBLIC).map((name) => [name, asset(name, readFileSync(new URL(name, PUBLIC)))]));
    const page = assets.get('index.html') as Asset;
    let bundled: Promise<Asset> | undefined;

    app.get('/', { config: { public: true }, schema: { hide: true } }, async (request, reply) => send(request, reply, page));
    app.get<{ Params: { name: string } }>('/assets/:name', { config: { public: true }, schema: { hide: true } }, async (request, reply) => {
      const { name } = request.params;
      const found = assets.get(name);
      if (found !== undefined) return send(request, reply, found);
      if (name !== VERIFIER || !existsSync(BUNDLER)) return reply.callNotFound();
      bundled ??= bundle();
      return send(request, reply, await bundled);
    });
  };
}

async function bundle(): Promise<Asset> {
  const { bundleVerifier } = (await import(BUNDLER.href)) as { bundleVerifier: () => Promise<string> };
  return asset(VERIFIER, Buffer.from(await bundleVerifier()));
}

function asset(name: string, body: Buffer): Asset {
  const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
  return { type, body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}

function send(request: FastifyRequest, reply: FastifyReply, { type, body, etag }: Asset): FastifyReply {
  const answer = reply.headers({ ...HEADERS, etag });
  return request.headers['if-none-match'] === etag ? answer.code(304).send() : answer.type(type).send(body);
}
