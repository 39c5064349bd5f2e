/** Writes src/store/sqlite/schema.sql anew: npm run schema, after a change of the migrations. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dumpSchema } from '../src/store/sqlite/dump.ts';
import { openForWriting } from '../src/store/sqlite/open.ts';

const db = openForWriting(':memory:');
writeFileSync(join(import.meta.dirname, '../src/store/sqlite/schema.sql'), dumpSchema(db));
db.close();
