import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openForWriting } from '../../src/store/sqlite/open.ts';
import { aggregationEvent, documentOf, objectEvent, queryDocumentOf, sgtin } from '../support/epcis-documents.ts';
import { problemOf, TestServer } from '../support/server.ts';
import { ENGINES } from '../support/test-store.ts';

describe.each(ENGINES)('on %s', (engine) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.on(engine);
  });
  afterAll(() => server.close());

  const commission = (serial: string) => ({ ...objectEvent(), epcList: [sgtin(serial)] });

  describe('POST /epcis/capture', () => {
    it('answers 202 with the place of the job, whose members are those of R-16', async () => {
      const answer = await server.call('POST', '/epcis/capture', { body: documentOf([commission('CAP1')]) });
      expect(answer.statusCode).toBe(202);
      expect(answer.body).toBe('');
      const location = answer.headers.location as string;
      expect(location).toMatch(/^\/epcis\/capture\/[0-9a-f-]{36}$/);
      await server.service.deps.capture.settled();
      const job = (await server.get(location)).json();
      expect(job).toEqual({
        captureID: location.split('/').at(-1),
        running: false,
        success: true,
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        finishedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        captureErrorBehaviour: 'rollback',
        errors: [],
      });
    });

    it.each(['application/json', 'application/ld+json', 'application/json; charset=utf-8'])('takes %s (J-8)', async (type) => {
      const answer = await server.call('POST', '/epcis/capture', {
        body: documentOf([commission(`T${type.length}`)]),
        headers: { 'content-type': type },
      });
      expect(answer.statusCode).toBe(202);
    });

    it('takes a query document for its events (C-6)', async () => {
      expect((await server.capture(queryDocumentOf([commission('Q1')]))).success).toBe(true);
      expect((await server.get(`/api/v1/things/${encodeURIComponent(sgtin('Q1'))}`)).statusCode).toBe(200);
    });

    it('skips a byte order mark', async () => {
      expect((await server.capture(Buffer.from(`\ufeff${JSON.stringify(documentOf([commission('BOM')]))}`))).success).toBe(true);
    });

    it.each(['2.0', '2.0.0', '2'])('takes GS1-EPCIS-Version %s for a document of 2.0 (R-14)', async (version) => {
      const answer = await server.call('POST', '/epcis/capture', {
        body: documentOf([commission(`V${version}`)]),
        headers: { 'GS1-EPCIS-Version': version },
      });
      expect(answer.statusCode).toBe(202);
    });

    it('lists every fault of every event of a small document under rollback, each with its index, and keeps nothing (C-9)', async () => {
      const bad = { ...commission('R1'), action: 'NEVER' };
      const worse = { ...commission('R2'), eventTimeZoneOffset: 'Z', colour: 'red' };
      const answer = await server.call('POST', '/epcis/capture', { body: documentOf([commission('R0'), bad, worse]) });
      const problem = problemOf(answer);
      expect(answer.statusCode).toBe(400);
      expect(problem.at).toBe('/epcisBody/eventList/1/action');
      const faults = problem.errors as (typeof problem & { index: number })[];
      expect(new Set(faults.map((fault) => fault.index))).toEqual(new Set([1, 2]));
      expect(faults.length).toBeGreaterThanOrEqual(3);
      expect((await server.get(`/api/v1/things/${encodeURIComponent(sgtin('R0'))}`)).statusCode).toBe(404);
    });

    it('stores the good events under proceed and tells the bad ones in the job (R-16, R-20)', async () => {
      const headers = { 'GS1-Capture-Error-Behaviour': 'proceed' };
      const answer = await server.call('POST', '/epcis/capture', {
        body: documentOf([commission('P1'), { ...commission('P2'), action: 'NEVER' }]),
        headers,
      });
      expect(answer.statusCode).toBe(202);
      expect(answer.headers['gs1-capture-error-behaviour']).toBe('proceed');
      await server.service.deps.capture.settled();
      const job = (await server.get(answer.headers.location as string)).json();
      expect(job).toMatchObject({ running: false, success: false, captureErrorBehaviour: 'proceed' });
      expect(job.errors).toHaveLength(1);
      expect(job.errors[0]).toMatchObject({
        type: 'epcisException:ValidationException',
        status: 400,
        at: '/epcisBody/eventList/1/action',
        index: 1,
      });
      expect((await server.get(`/api/v1/things/${encodeURIComponent(sgtin('P1'))}`)).statusCode).toBe(200);
      expect((await server.get(`/api/v1/things/${encodeURIComponent(sgtin('P2'))}`)).statusCode).toBe(404);
    });

    it('tells what is wrong with an event of a document above 1 MiB in its job', async () => {
      const padding = 'x'.repeat(1_100_000);
      const large = { ...documentOf([commission('L1'), { ...commission('L2'), action: 'NEVER' }]), 'ex:padding': padding };
      const job = await server.capture(large);
      expect(job).toMatchObject({ success: false, errors: [{ at: '/epcisBody/eventList/1/action' }] });
    });

    it('refuses a document above 1 MiB at once when it is broken as a whole (C-8, R-20)', async () => {
      const broken = `${JSON.stringify({ ...documentOf([commission('L3')]), 'ex:padding': 'x'.repeat(1_100_000) }).slice(0, -1)},}`;
      const answer = await server.call('POST', '/epcis/capture', { body: broken });
      expect(answer.statusCode).toBe(400);
      expect(problemOf(answer).code).toBe('EV-SYNTAX');
    });
  });

  describe('limits of a capture (R-19)', () => {
    const small = { captureMaxEvents: 3, captureMaxBytes: 20_000 };

    it('takes as many events as the limit says, refuses one more with both limit headers, and makes no job', async () => {
      const limited = await TestServer.on(engine, small);
      try {
        const events = ['1', '2', '3', '4'].map(commission);
        expect((await limited.capture(documentOf(events.slice(0, 3)))).success).toBe(true);
        const answer = await limited.call('POST', '/epcis/capture', { body: documentOf(events) });
        expect(answer.statusCode).toBe(413);
        expect(problemOf(answer).type).toBe('epcisException:CaptureLimitExceededException');
        expect(answer.headers['gs1-epcis-capture-limit']).toBe('3');
        expect(answer.headers['gs1-epcis-capture-file-size-limit']).toBe('20000');
        const bytes = await limited.call('POST', '/epcis/capture', { body: ' '.repeat(20_001) });
        expect(bytes.statusCode).toBe(413);
        expect(problemOf(bytes).type).toBe('epcisException:CaptureLimitExceededException');
        expect(bytes.headers['gs1-epcis-capture-limit']).toBe('3');
        expect(bytes.headers['gs1-epcis-capture-file-size-limit']).toBe('20000');
        expect((await limited.get('/epcis/capture')).json()).toHaveLength(1);
      } finally {
        await limited.close();
      }
    });

    it('refuses 100,001 events before it makes a job', async () => {
      const body = Buffer.from(JSON.stringify(documentOf([])).replace('"eventList":[]', `"eventList":[${'{},'.repeat(100_000)}{}]`));
      const answer = await server.call('POST', '/epcis/capture', { body });
      expect(answer.statusCode).toBe(413);
      expect(problemOf(answer).code).toBe('REQ-LIMIT');
      const larger = Buffer.from(
        JSON.stringify(documentOf([])).replace('"eventList":[]', `"eventList":[${'{"type":"ObjectEvent"},'.repeat(100_000)}{}]`),
      );
      expect(larger.length).toBeGreaterThan(1024 * 1024);
      expect((await server.call('POST', '/epcis/capture', { body: larger })).statusCode).toBe(413);
    });
  });

  describe('capture jobs', () => {
    it('are listed newest first and paged by a link that leads on and ends (R-21, R-22)', async () => {
      for (let i = 0; i < 5; i++) await server.capture(documentOf([commission(`J${i}`)]));
      const all = (await server.get('/epcis/capture?perPage=1000')).json() as { captureID: string; createdAt: string }[];
      expect(all.map((job) => job.createdAt)).toEqual(
        [...all]
          .map((job) => job.createdAt)
          .sort()
          .reverse(),
      );
      const seen: string[] = [];
      let next: string | undefined = '/epcis/capture?perPage=2';
      while (next !== undefined) {
        const page = await server.get(next);
        const jobs = page.json() as { captureID: string }[];
        expect(jobs.length).toBeLessThanOrEqual(2);
        seen.push(...jobs.map((job) => job.captureID));
        const { link } = page.headers;
        next = link === undefined ? undefined : /^<(.+)>; rel="next"$/.exec(String(link))?.[1];
        expect(page.headers['gs1-next-page-token-expires'] === undefined).toBe(next === undefined);
      }
      expect(seen).toEqual(all.map((job) => job.captureID));
    });

    it('are seen by the line that made them and by no other line (R-17)', async () => {
      const other = (await server.call('POST', '/api/v1/keys', { body: { name: 'another line', roles: ['line'] } })).json().key as string;
      const answer = await server.call('POST', '/epcis/capture', { body: documentOf([commission('OWN')]), key: other });
      await server.service.deps.capture.settled();
      const location = answer.headers.location as string;
      expect((await server.get(location, { key: other })).statusCode).toBe(200);
      expect((await server.get('/epcis/capture', { key: other })).json()).toHaveLength(1);
      expect((await server.get(location, { key: server.keys.line })).statusCode).toBe(404);
      expect((await server.get('/epcis/capture', { key: server.keys.line })).json()).toHaveLength(0);
      expect((await server.get(location, { key: server.keys.reader })).statusCode).toBe(200);
    });

    it('tell an error of the fold too: the same eventID with another content (C-4)', async () => {
      const eventID = 'urn:uuid:9f0f6cd6-2e22-4a5c-8b2b-2f8a5f0a0001';
      await server.capture(documentOf([{ ...commission('E1'), eventID }]));
      const job = await server.capture(documentOf([{ ...commission('E2'), eventID }]));
      expect(job).toMatchObject({ success: false, errors: [{ code: 'EV-ID-TAKEN', status: 409 }] });
    });
  });

  describe('a restart', () => {
    it.runIf(engine === 'sqlite')('keeps ended jobs, and folds what was answered 202 and not folded yet (R-18)', async () => {
      const first = await TestServer.on(engine);
      const done = await first.capture(documentOf([commission('D1')]));
      // What the intake has and the capture thread has not: put there as a process that died right after its 202 leaves it.
      await first.stop();
      const intake = openForWriting(`${first.folder}/intake.db`, { migrations: 'intake-migrations' });
      intake
        .prepare('INSERT INTO document (capture_id, actor, behaviour, kind, created, body) VALUES (?, ?, ?, ?, ?, ?)')
        .run('left-over', 'someone', 'rollback', 'document', Date.now(), Buffer.from(JSON.stringify(documentOf([aggregationEvent()]))));
      intake.close();

      const second = await TestServer.start({ data: first.folder });
      try {
        expect((await second.get(`/epcis/capture/${done.captureID}`)).json()).toMatchObject({ running: false, success: true });
        await second.service.deps.capture.settled();
        expect((await second.get('/epcis/capture/left-over')).json()).toMatchObject({ running: false, success: true });
      } finally {
        await second.close();
      }
    });
  });

  describe('OPTIONS (R-12)', () => {
    it.each([
      ['/epcis', 'OPTIONS, GET'],
      ['/epcis/capture', 'OPTIONS, POST, GET'],
      ['/epcis/capture/any', 'OPTIONS, GET'],
    ])('of %s answers 204 without a body, with Allow: %s and the versions', async (url, allow) => {
      const answer = await server.call('OPTIONS', url, { key: server.keys.line });
      expect(answer.statusCode).toBe(204);
      expect(answer.body).toBe('');
      expect(answer.headers).toMatchObject({
        allow,
        'gs1-epcis-version': '2.0.0',
        'gs1-epcis-min': '1.2',
        'gs1-epcis-max': '2.0',
        'gs1-cbv-version': '2.0.0',
        'gs1-epc-format': expect.stringContaining('Always_GS1_Digital_Link'),
      });
    });

    it('of /epcis/capture tells the limits and that both error behaviours are there', async () => {
      expect((await server.call('OPTIONS', '/epcis/capture')).headers).toMatchObject({
        'gs1-epcis-capture-limit': '100000',
        'gs1-epcis-capture-file-size-limit': '104857600',
        'gs1-capture-error-behaviour': 'all',
      });
    });
  });

  describe('GET /epcis (R-1)', () => {
    it('is a Collection of the nine top-level resources', async () => {
      const collection = (await server.get('/epcis')).json();
      expect(collection.type).toBe('Collection');
      expect(new Set(collection.member)).toEqual(
        new Set(['events', 'eventTypes', 'epcs', 'bizSteps', 'bizLocations', 'readPoints', 'dispositions', 'capture', 'queries']),
      );
      expect((await server.get('/epcis/')).json()).toEqual(collection);
    });
  });
});
