import { openPostgres, openSqlite } from './engines.ts';
import { describeJournalContract } from './journal-contract.ts';

describeJournalContract('SQLite', openSqlite);
describeJournalContract('PostgreSQL', openPostgres);
