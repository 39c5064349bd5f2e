/** Writes the tables of docs/roles.md anew: npm run roles, after a change of roles or routes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openService } from '../src/service.ts';
import { readSettings } from '../src/settings.ts';
import { callsTable, rightsTable, withTable } from '../test/support/roles-page.ts';

const data = mkdtempSync(join(tmpdir(), 'lotline-roles-'));
const service = await openService({ ...readSettings({}, {}), data });
const { paths } = service.app.swagger() as unknown as { paths: Parameters<typeof callsTable>[0] };
const page = join(import.meta.dirname, '../docs/roles.md');
writeFileSync(page, withTable(withTable(readFileSync(page, 'utf8'), 'rights', rightsTable()), 'calls', callsTable(paths)));
await service.close();
rmSync(data, { recursive: true, force: true });
