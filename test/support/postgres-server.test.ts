import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('leaves it to a run with what it ends: a server of ours does not turn a failure into a success', () => {
  const module = JSON.stringify(fileURLToPath(new URL('./postgres-server.ts', import.meta.url)));
  const run = `const { startPostgres } = await import(${module}); await (await startPostgres()).stop(); process.exitCode = 3;`;
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', run], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([3, '']);
});
