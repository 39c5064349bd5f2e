import type { Policy } from './decide.ts';

/** The policy that settings name, `recalled=false` and the like; what is not named is answered false. */
export function policyOf(list: readonly string[]): Policy {
  const named = Object.fromEntries(list.map((entry) => entry.split('=')));
  return { recalled: 'false', suspect: 'false', expired: 'false', ...named };
}
