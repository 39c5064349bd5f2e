import { BlockList, isIP } from 'node:net';
import { LotlineError } from '../errors.ts';

/** Addresses that are not of the public internet (IANA special-purpose registries): this machine, its networks, its cloud's metadata service, nobody. */
const NOT_PUBLIC = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  NOT_PUBLIC.addSubnet(network, prefix, 'ipv4');
// Within what is public: protocol assignments with Teredo, documentation, 6to4, documentation again. Tunnels could lead to any IPv4 address.
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  NOT_PUBLIC.addSubnet(network, prefix, 'ipv6');

/** All of IPv6 that is public lies in here; mapped IPv4, loopback, link-local, unique local, NAT64 and multicast addresses do not. */
const PUBLIC_V6 = new BlockList();
PUBLIC_V6.addSubnet('2000::', 3, 'ipv6');

/** Whether an IP address is one that a webhook may lead to (S-10). */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !NOT_PUBLIC.check(address, 'ipv4');
  return isIP(address) === 6 && PUBLIC_V6.check(address, 'ipv6') && !NOT_PUBLIC.check(address, 'ipv6');
}

const DEST_MAX = 2_000;

/**
 * Reads where a webhook leads (S-10). What can be told from the URL alone is refused here; the addresses of a name are checked when it is connected to,
 * for they may change. `new URL` writes every spelling of an IPv4 address in four decimal numbers.
 */
export function parseDest(text: string, { allowPrivate, at }: { allowPrivate: boolean; at: string }): URL {
  const wrong = (what: string, fix: string) => new LotlineError('SUB-DEST', what, { at, fix });
  if (text.length > DEST_MAX || !URL.canParse(text))
    throw wrong('dest is no URL', `Give an absolute URL of ${DEST_MAX} characters at most.`);
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw wrong(`dest has the scheme ${url.protocol}`, 'Give an https URL.');
  if (url.username !== '' || url.password !== '')
    throw wrong('dest holds credentials', 'Leave them out; deliveries are signed with the signatureToken.');
  const host = hostOf(url);
  const isHere = host === 'localhost' || host.endsWith('.localhost');
  if (!allowPrivate && (isHere || (isIP(host) !== 0 && !isPublicAddress(host))))
    throw wrong(`dest leads to ${host}, which is no public address`, 'Give a public address, or set LOTLINE_WEBHOOK_ALLOW_PRIVATE=on.');
  return url;
}

/** The name or address of a URL, without the brackets of IPv6 and the dot at the end of a full name. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
