import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { answerProblem } from './problems.ts';

describe('a fault of this program (INTERNAL, E-1)', () => {
  const secret = 'SELECT hash FROM api_key at /srv/lotline/journal.db';

  async function failing(error: unknown) {
    const lines: string[] = [];
    const app = Fastify();
    app.setErrorHandler((thrown, request, reply) => answerProblem(thrown, request, reply, (line) => lines.push(line)));
    app.get('/', async () => {
      throw error;
    });
    return { answer: await app.inject('/'), lines };
  }

  it.each([new Error(secret), new TypeError(secret), Object.assign(new Error(secret), { code: 'SQLITE_CORRUPT' })])(
    'is a 500 that tells a request id and nothing of what went wrong: %s',
    async (error) => {
      const { answer, lines } = await failing(error);
      expect(answer.statusCode).toBe(500);
      expect(answer.headers['content-type']).toContain('application/problem+json');
      expect(answer.body).not.toContain('api_key');
      expect(answer.body).not.toContain('journal.db');
      const problem = answer.json();
      expect(problem).toMatchObject({ type: 'epcisException:ImplementationException', status: 500, code: 'INTERNAL', at: '' });
      // The id leads from the answer to the log, which has all of it.
      const id = String(problem.instance).replace('urn:lotline:request:', '');
      expect(problem.fix).toContain(id);
      expect(lines).toEqual([expect.stringContaining(`request ${id} failed`)]);
      expect(lines[0]).toContain(secret);
    },
  );
});
