import type { Link } from './links.ts';
import type { ThingLinks } from './questions.ts';

/** What a client said that it reads. */
export type Wishes = { readonly acceptLanguage?: string | undefined; readonly accept?: string | undefined };

/** The links that hold for a thing: of each type, those of the finest level that has any. Levels come finest first. */
export function inherited(levels: readonly ThingLinks[]): Link[] {
  const links: Link[] = [];
  for (const level of levels) {
    const told = new Set(links.map(({ linkType }) => linkType));
    links.push(...level.links.filter(({ linkType }) => !told.has(linkType)));
  }
  return links;
}

/** The link type that is followed where none is asked for: that of the finest level that has one. */
export function inheritedDefault(levels: readonly ThingLinks[]): string | null {
  return levels.find((level) => level.default !== null)?.default ?? null;
}

/**
 * The one link of a type for a client: by language as it likes them best, else one that is for any, else the first; among those of one language, one of
 * a media type that it names. Null: there is none of that type.
 */
export function chooseLink(links: readonly Link[], linkType: string, { acceptLanguage = '', accept = '' }: Wishes): Link | null {
  const ofType = links.filter((link) => link.linkType === linkType);
  const named = accept.split(',').map((range) => (range.split(';')[0] as string).trim().toLowerCase());
  const byMedia = (list: readonly Link[]) =>
    list.find(({ type }) => type !== null && named.includes(type.toLowerCase())) ?? list[0] ?? null;
  for (const range of languageRanges(acceptLanguage)) {
    const link = byMedia(ofType.filter(({ hreflang }) => hreflang.some((tag) => speaks(range, tag))));
    if (link !== null) return link;
  }
  return byMedia(ofType.filter(({ hreflang }) => hreflang.length === 0)) ?? byMedia(ofType);
}

/** Ranges of Accept-Language, the best liked first; each is followed by what it is a kind of: `de-AT`, then `de` (RFC 4647 §3.4). */
function languageRanges(header: string): string[] {
  const ranges = header.split(',').flatMap((part) => {
    const [range = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const q = Number(parameters.find((text) => text.startsWith('q='))?.slice(2) ?? 1);
    return /^[a-z]{1,8}(-[a-z0-9]{1,8})*$/.test(range) && q > 0 ? [{ range, q }] : [];
  });
  const best = ranges.sort((a, b) => b.q - a.q).map(({ range }) => range);
  return best.flatMap((range) => {
    const parts = range.split('-');
    return parts.map((_, i) => parts.slice(0, parts.length - i).join('-'));
  });
}

const speaks = (range: string, tag: string) => tag.toLowerCase() === range || tag.toLowerCase().startsWith(`${range}-`);
