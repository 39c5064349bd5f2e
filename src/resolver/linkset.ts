import { toDigitalLink } from '../identifiers/index.ts';
import type { Link } from './links.ts';

/** A set of links as RFC 9264 writes it, for the thing that its anchor names. */
export function linkset(of: { key: string; name: string | null; links: readonly Link[]; default: string | null }): unknown {
  const byType = new Map<string, Link[]>();
  for (const link of of.links) byType.set(link.linkType, [...(byType.get(link.linkType) ?? []), link]);
  const preferred = of.default === null ? [] : (byType.get(of.default) ?? []);
  return {
    linkset: [
      {
        anchor: toDigitalLink(of.key) ?? of.key,
        ...(of.name !== null && { itemDescription: of.name }),
        ...Object.fromEntries([...byType].map(([linkType, links]) => [linkType, links.map(target)])),
        ...(preferred[0] !== undefined && { 'https://gs1.org/voc/defaultLink': [target(preferred[0])] }),
        ...(preferred.length > 1 && { 'https://gs1.org/voc/defaultLinkMulti': preferred.map(target) }),
      },
    ],
  };
}

function target({ href, title, hreflang, type }: Link): object {
  return { href, title, ...(hreflang.length > 0 && { hreflang }), ...(type !== null && { type }) };
}
