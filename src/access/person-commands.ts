import { sql } from 'drizzle-orm';
import { LotlineError } from '../errors.ts';
import type { Journal } from '../store/journal.ts';
import type { Qualification } from './signature.ts';

export type PutPerson = {
  kind: 'put-person';
  id: string;
  /** In small letters. Never given to somebody else, also after its person has gone. */
  login: string;
  /** Printed name. */
  name: string;
  roles: readonly string[];
  /** Canonical keys; none: everywhere. */
  sites: readonly string[];
  qualifications: readonly Qualification[];
};
export type ChangePerson = Pick<PutPerson, 'id'> &
  Partial<Pick<PutPerson, 'name' | 'roles' | 'sites' | 'qualifications'>> & { kind: 'change-person' };
export type EndPerson = { kind: 'end-person'; id: string };
/** For the audit alone: who came in, who did not, whose secret or setup code was made. `person` is null for a login that nobody has. */
export type NoteLogin = {
  kind: 'note-login';
  person: string | null;
  outcome: 'session' | 'failed' | 'locked' | 'setup-code' | 'secret-set' | 'session-ended';
  /** Of the session. */
  session?: string;
  reason?: string;
};
export type PersonCommand = PutPerson | ChangePerson | EndPerson | NoteLogin;

export const personCommands = {
  entry: 'access',
  async apply({ db }: Journal, command: PersonCommand, seq: number, recordTime: number): Promise<boolean> {
    switch (command.kind) {
      case 'put-person': {
        const { id, login, name, roles, sites, qualifications } = command;
        const [there] = await db.all<{ id: string }>(sql`SELECT id FROM person WHERE login = ${login}`);
        if (there !== undefined)
          throw new LotlineError('ACC-TAKEN', 'somebody has this login, or had it', {
            at: '/login',
            fix: 'Choose another: a login is one person’s for ever.',
          });
        await db.run(
          sql`INSERT INTO person (seq, id, login, name, roles, sites, qualifications, created, ended)
              VALUES (${seq}, ${id}, ${login}, ${name}, ${JSON.stringify(roles)}, ${JSON.stringify(sites)}, ${JSON.stringify(qualifications)}, ${recordTime}, NULL)`,
        );
        return true;
      }
      case 'change-person': {
        const { id, name, roles, sites, qualifications } = command;
        const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));
        const rows = await db.all(
          sql`UPDATE person SET name = coalesce(${name ?? null}, name), roles = coalesce(${json(roles)}, roles), sites = coalesce(${json(sites)}, sites),
                qualifications = coalesce(${json(qualifications)}, qualifications)
              WHERE id = ${id} AND ended IS NULL RETURNING id`,
        );
        return rows.length > 0;
      }
      case 'end-person': {
        const rows = await db.all(sql`UPDATE person SET ended = ${recordTime} WHERE id = ${command.id} AND ended IS NULL RETURNING id`);
        return rows.length > 0;
      }
      case 'note-login':
        return true;
    }
  },
} as const;
