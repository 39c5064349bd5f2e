import { LotlineError } from '../../errors.ts';
import type { Decide } from '../deciding.ts';

/** The key of a person on a device is registered by that person, and nobody for them. */
export const decideDevicePerson: Decide<'device-person'> = ({ signatures }, body) => {
  if (signatures.length === 1 && signatures[0]?.person === body.person) return;
  throw new LotlineError('SIG-MISSING', 'the key of a person is registered by that person alone', {
    at: '/signatures',
    fix: 'Pass one signing token of the person whose key it is.',
  });
};
