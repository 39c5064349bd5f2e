/** What signatures must be before an act rests on them (domain.md §15, INV-10). Pure: an act's decision calls these, and each throws what blocks it. */
import { LotlineError } from '../errors.ts';
import { offsetMs, QUALITY_MEANINGS, type Signature } from './signature.ts';

/** Two signatures of one session within this are one person's, ms. */
const ONE_HAND_MS = 3_000;
/** Two people sign one act within this, ms. */
export const TOGETHER_MS = 10 * 60_000;

export type TwoPeople = {
  /** Everybody must be qualified for it, on the day of signing. */
  readonly step?: string | undefined;
  /** Everybody must have one of these. */
  readonly roles?: readonly string[] | undefined;
  /** People who may not sign here, by id: who performed what is being checked. */
  readonly notAlso?: readonly string[] | undefined;
};

/** Two different people, each by an authentication of their own, both qualified, within ten minutes (INV-10). Else COI-2P, naming the signature. */
export function twoPeople(signatures: readonly Signature[], { step, roles, notAlso = [] }: TwoPeople = {}): void {
  if (signatures.length < 2) throw refused(`two people sign this, and ${signatures.length === 0 ? 'nobody' : 'one'} did`, '/signatures');
  for (const [i, mine] of signatures.entries()) {
    const at = `/signatures/${i}`;
    if (notAlso.includes(mine.person)) throw refused('the person who performed it signs as somebody independent', at);
    if (roles !== undefined && !mine.roles.some((role) => roles.includes(role)))
      throw refused(`the person has none of the roles ${roles.join(', ')}`, at);
    if (step !== undefined && !isQualified(mine, step)) throw refused(`the person is not qualified for ${step}, or no longer`, at);
    for (const other of signatures.slice(0, i)) {
      if (other.person === mine.person) throw refused('one person signs twice', at);
      if (other.session === mine.session && Math.abs(other.at - mine.at) < ONE_HAND_MS)
        throw refused('two signatures were asked for by one session within 3 seconds', at);
      if (Math.abs(other.at - mine.at) > TOGETHER_MS) throw refused('the two signed more than 10 minutes apart', at);
    }
  }
}

/** Whether the person was qualified for a step on the day of signing, as the calendar of that place had it. Who lists nothing is qualified for nothing. */
export function isQualified({ qualifications, at, offset }: Signature, step: string): boolean {
  const day = new Date(at + offsetMs(offset)).toISOString().slice(0, 10);
  return qualifications.some((one) => one.step === step && day <= one.until);
}

/** The first signature with this meaning, by somebody with one of the roles (any, where none are named). Else SIG-MISSING; SIG-SOD where only who administers gave it. */
export function signedBy(signatures: readonly Signature[], meaning: string, roles: readonly string[] = []): Signature {
  const meant = signatures.filter((one) => one.meaning === meaning);
  const found = meant.find((one) => maySign(one.roles, meaning) && (roles.length === 0 || one.roles.some((role) => roles.includes(role))));
  if (found !== undefined) return found;
  const administers = meant.findIndex((one) => !maySign(one.roles, meaning));
  if (administers >= 0) throw administratorSigns(meaning, `/signatures/${signatures.indexOf(meant[administers] as Signature)}`);
  throw new LotlineError(
    'SIG-MISSING',
    `this needs a signature that says ${meaning}${roles.length > 0 ? `, by somebody with the role ${roles.join(' or ')}` : ''}`,
    { at: '/signatures', fix: 'Have it signed: POST /api/v1/signing-tokens, and pass the token.' },
  );
}

/** None of these signatures is by one of the others, named by their ids: who made or checked it does not release or resolve it (domain.md §15). Else SIG-SOD. */
export function separate(signatures: readonly Signature[], others: Iterable<string>): void {
  const barred = new Set(others);
  for (const [i, { person, roles, meaning }] of signatures.entries()) {
    if (!maySign(roles, meaning)) throw administratorSigns(meaning, `/signatures/${i}`);
    if (barred.has(person))
      throw new LotlineError('SIG-SOD', 'whoever made, checked or asked for this does not decide on it', {
        at: `/signatures/${i}`,
        fix: 'Have it signed by somebody who had no part in it.',
      });
  }
}

/** Whether people with these roles may sign with this meaning at all: who administers people does not speak for quality. */
export const maySign = (roles: readonly string[], meaning: string): boolean =>
  !(roles.includes('admin') && QUALITY_MEANINGS.includes(meaning));

/** Somebody who administers people signs as quality. */
export const administratorSigns = (meaning: string, at: string): LotlineError =>
  new LotlineError('SIG-SOD', `somebody who administers people does not sign as quality (${meaning})`, {
    at,
    fix: 'Have it signed by somebody of quality who administers nobody.',
  });

const refused = (what: string, at: string): LotlineError =>
  new LotlineError('COI-2P', what, {
    at,
    fix: 'Have two qualified people sign, each with their own login and secret, within 10 minutes.',
  });
