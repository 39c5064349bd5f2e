import { LotlineError } from '../errors.ts';

/** Where a link leads: RFC 8288, with the link types of the GS1 web vocabulary. */
export type Link = {
  /** The full URI: `https://gs1.org/voc/pip`. */
  readonly linkType: string;
  /** http or https, as it goes into a header: percent-encoded. */
  readonly href: string;
  readonly title: string;
  /** Languages (BCP 47); none: any. */
  readonly hreflang: readonly string[];
  /** Media type; null: not said. */
  readonly type: string | null;
};
export type LinkList = { readonly links: readonly Link[] /** A link type, as full URI. */; readonly default: string | null };

export const LINKS_MAX = 100;
const HREF_MAX = 2_048;
const VOCABULARY = 'https://gs1.org/voc/';

/** A link type by its URI: `gs1:pip`, `pip` and either spelling of the vocabulary are `https://gs1.org/voc/pip`. Null: that names none. */
export function linkTypeOf(text: string): string | null {
  const [, word] = /^(?:gs1:|https?:\/\/(?:www\.)?gs1\.org\/voc\/)?([A-Za-z][A-Za-z0-9_-]*)$/.exec(text) ?? [];
  if (word !== undefined) return VOCABULARY + word;
  return httpAddress(text);
}

/** A link type as people write it. */
export function shortLinkType(linkType: string): string {
  return linkType.startsWith(VOCABULARY) ? `gs1:${linkType.slice(VOCABULARY.length)}` : linkType;
}

type GivenLink = { linkType: string; href: string; title: string; hreflang?: readonly string[]; type?: string };

/** The links of one thing as they were given; refuses link types and addresses that are none, and a default that leads nowhere. */
export function readLinks(given: { links: readonly GivenLink[]; default?: string | undefined }): LinkList {
  const links = given.links.map(({ linkType, href, title, hreflang = [], type = null }, i): Link => {
    const full = linkTypeOf(linkType);
    if (full === null)
      throw new LotlineError('REQ-FORM', `${linkType.slice(0, 100)}: no link type`, {
        at: `/links/${i}/linkType`,
        fix: 'Give one of the GS1 vocabulary, such as gs1:pip, or an http address.',
      });
    const address = httpAddress(href);
    if (address === null)
      throw new LotlineError('REQ-FORM', `${href.slice(0, 100)}: no address that people can be led to`, {
        at: `/links/${i}/href`,
        fix: `Give an absolute http or https address without name and password, of at most ${HREF_MAX} characters.`,
      });
    return { linkType: full, href: address, title, hreflang, type };
  });
  if (given.default === undefined) return { links, default: null };
  const preferred = linkTypeOf(given.default);
  if (preferred === null || !links.some((link) => link.linkType === preferred))
    throw new LotlineError('REQ-FORM', `no link has the type ${given.default.slice(0, 100)}`, {
      at: '/default',
      fix: 'Name the link type of one of the links, or leave the default out.',
    });
  return { links, default: preferred };
}

/** An http address, normalised so that it can stand in a header; null for anything else. `javascript:`, backslashes and credentials lead nobody anywhere. */
function httpAddress(text: string): string | null {
  if (!/^https?:\/\/[^\s\\]+$/i.test(text)) return null;
  try {
    const { protocol, username, password, href } = new URL(text);
    const plain = (protocol === 'http:' || protocol === 'https:') && username === '' && password === '';
    return plain && href.length <= HREF_MAX ? href : null;
  } catch {
    return null;
  }
}
