import { LotlineError } from '../../errors.ts';

/**
 * A JSON value in its one form (RFC 8785): members sorted by UTF-16 code units, numbers as ECMAScript writes them, no space. Refuses what has no such
 * form: half of a surrogate pair, a number that is none.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (typeof value === 'string' && !/\p{Surrogate}/u.test(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object') {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    members.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, member]) => `${canonicalJson(name)}:${canonicalJson(member)}`).join(',')}}`;
  }
  throw new LotlineError('REQ-FORM', 'a text or number of the body has no canonical form (RFC 8785)', {
    fix: 'Send well-formed Unicode and finite numbers.',
  });
}
