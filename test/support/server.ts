import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import type { Role } from '../../src/access/index.ts';
import type { Problem } from '../../src/errors.ts';
import { openService, type Service, type ServiceLimits } from '../../src/service.ts';
import { readSettings, type Settings } from '../../src/settings.ts';
import type { Engine } from '../../src/store/sql.ts';
import { freshDatabase, type TestDatabase } from './postgres.ts';

/** The admin key of every test server. */
export const ADMIN_KEY = 'test-admin-key-0123456789abcdef';

export type Answer = LightMyRequestResponse;
export type Call = { key?: string | null; headers?: Record<string, string>; body?: unknown };

/** The whole service, with its threads, on a folder of its own, or on a database of its own; spoken to without a socket. */
export class TestServer {
  readonly service: Service;
  readonly folder: string;
  readonly keys: Readonly<Record<'admin' | 'line' | 'reader', string>>;
  private readonly others = new Map<Role, string>();
  private database: TestDatabase | null = null;

  private constructor(service: Service, folder: string, keys: TestServer['keys']) {
    this.service = service;
    this.folder = folder;
    this.keys = keys;
  }

  /** A server on an empty store of an engine. */
  static async on(engine: Engine, more: Partial<Settings> = {}, log?: (line: string) => void, clock?: () => number): Promise<TestServer> {
    if (engine === 'sqlite') return await TestServer.start(more, log, {}, clock);
    const database = await freshDatabase({ migrated: true });
    const server = await TestServer.start({ ...more, databaseUrl: database.url }, log, {}, clock);
    server.database = database;
    return server;
  }

  /** `clock` is that of verification, sessions and signing. */
  static async start(
    more: Partial<Settings> = {},
    log?: (line: string) => void,
    limits: ServiceLimits = {},
    clock?: () => number,
  ): Promise<TestServer> {
    const folder = more.data ?? mkdtempSync(join(tmpdir(), 'lotline-http-'));
    const settings = { ...readSettings({}, {}), data: folder, adminKey: ADMIN_KEY, origin: 'lotline.example/test', ...more };
    const service = await openService(settings, { limits, ...(log && { log }), ...(clock && { clock }) });
    const grant = async (role: Role) => (await service.deps.keys.grant({ name: `a ${role}`, roles: [role] }, 'test')).key;
    return new TestServer(service, folder, { admin: ADMIN_KEY, line: await grant('line'), reader: await grant('reader') });
  }

  /** A key with one role. */
  async keyOf(role: Role): Promise<string> {
    const known = role in this.keys ? this.keys[role as keyof TestServer['keys']] : this.others.get(role);
    const key = known ?? (await this.service.deps.keys.grant({ name: `a ${role}`, roles: [role] }, 'test')).key;
    this.others.set(role, key);
    return key;
  }

  /** A request as admin, unless another key or none is asked for. Bytes and texts go as they are, other bodies as JSON. */
  async call(method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'HEAD' | 'PUT', url: string, call: Call = {}): Promise<Answer> {
    const { key = this.keys.admin, headers = {}, body } = call;
    const payload = body === undefined || body instanceof Buffer || typeof body === 'string' ? body : JSON.stringify(body);
    const request: InjectOptions = {
      method,
      url,
      headers: {
        ...(key !== null && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(payload !== undefined && { payload }),
    };
    return await this.service.app.inject(request);
  }

  async get(url: string, call: Call = {}): Promise<Answer> {
    return await this.call('GET', url, call);
  }

  /** Captures a document, waits for its job, and answers the job. */
  async capture(
    document: unknown,
    call: Call = {},
  ): Promise<{ captureID: string; success: boolean; errors: (Problem & { index?: number })[] }> {
    const answer = await this.call('POST', '/epcis/capture', { ...call, body: document });
    if (answer.statusCode !== 202) throw new Error(`capture answered ${answer.statusCode}: ${answer.body}`);
    await this.service.deps.capture.settled();
    return (await this.get(answer.headers.location as string)).json();
  }

  /** Settings that lead to the same store. */
  get place(): Partial<Settings> {
    return { data: this.folder, ...(this.database && { databaseUrl: this.database.url }) };
  }

  /** Ends the service and keeps what it stored. */
  async stop(): Promise<void> {
    await this.service.close();
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
    await this.database?.drop();
  }
}

/** The members that every problem must have (design.md §7), and its status in line with the answer's. */
export function problemOf(answer: Answer): Problem & { errors?: Problem[] } {
  const type = String(answer.headers['content-type']);
  if (!type.startsWith('application/problem+json'))
    throw new Error(`${answer.statusCode} is no problem but ${type}: ${answer.body.slice(0, 200)}`);
  const problem = answer.json() as Problem & { errors?: Problem[] };
  for (const member of ['type', 'title', 'detail', 'code', 'at', 'fix'] as const)
    if (typeof problem[member] !== 'string' || (member !== 'at' && problem[member] === ''))
      throw new Error(`the problem has no ${member}: ${answer.body}`);
  if (problem.status !== answer.statusCode) throw new Error(`status ${problem.status} in an answer of ${answer.statusCode}`);
  if (!problem.type.startsWith('epcisException:')) throw new Error(`type ${problem.type}`);
  return problem;
}
