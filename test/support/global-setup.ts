import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A database server on which tests may make databases; one for the whole run. */
    postgres: string;
  }
}

/** One PostgreSQL for the whole run: the server that LOTLINE_TEST_DATABASE_URL names, else one that starts by itself and goes with the run. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const there = process.env['LOTLINE_TEST_DATABASE_URL'];
  if (there) {
    project.provide('postgres', there);
    return undefined;
  }
  const server = await startPostgres();
  project.provide('postgres', server.url);
  return () => server.stop();
}
