import type { TestProject } from 'vitest/node';
import { type BuiltProgram, buildProgram } from './built-program.ts';
import { startPostgres } from './postgres-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A database server on which tests may make databases; one for the whole run. */
    postgres: string;
    /** `lotline` as src has it, built once for the whole run. */
    program: string;
  }
}

/** Builds the program anew when the sources have changed under a run that goes on. */
async function provideProgram(project: TestProject): Promise<() => void> {
  let program: BuiltProgram;
  const build = async () => {
    program = await buildProgram();
    project.provide('program', program.main);
    process.env['LOTLINE_BUILT'] = program.folder;
  };
  await build();
  project.onTestsRerun(async () => {
    program.remove();
    await build();
  });
  return () => program.remove();
}

/** One PostgreSQL: the server that LOTLINE_TEST_DATABASE_URL names, else one that starts by itself and goes with the run. */
async function providePostgres(project: TestProject): Promise<() => Promise<void>> {
  const there = process.env['LOTLINE_TEST_DATABASE_URL'];
  const server = there ? { url: there, stop: async () => {} } : await startPostgres();
  project.provide('postgres', server.url);
  return server.stop;
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const removeProgram = await provideProgram(project);
  const stopPostgres = await providePostgres(project);
  return async () => {
    removeProgram();
    await stopPostgres();
  };
}
