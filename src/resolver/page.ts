import { type Element, findAi } from '../identifiers/index.ts';
import { type Link, shortLinkType } from './links.ts';

/** What the page shows; everything in it is public, or stood in the link that was followed. */
export type PageContent = {
  /** Elements of the link. */
  readonly elements: readonly Element[];
  readonly name: string | null;
  /** Further facts of the product, by the names of master data. */
  readonly facts: Readonly<Record<string, string>>;
  readonly links: readonly Link[];
  /** Null: what was asked for is known here. */
  readonly missing: string | null;
};

/** The page runs nothing and loads nothing; its style stands in it. */
export const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const FACTS: Readonly<Record<string, string>> = {
  manufacturerOfTradeItemPartyName: 'Manufacturer',
  dosageFormType: 'Form',
  strengthDescription: 'Strength',
  netContentDescription: 'Content',
  functionalName: 'Kind',
  tradeItemDescription: 'Description',
  labelDescription: 'Label',
};

/** A small page for people: what the link names, and where it leads. Works without scripts. */
export function page({ elements, name, facts, links, missing }: PageContent): string {
  const rows = [
    ...elements.map(({ ai, value }) => [findAi(ai)?.title ?? `(${ai})`, value] as const),
    ...Object.entries(FACTS).flatMap(([fact, label]) => (facts[fact] === undefined ? [] : [[label, facts[fact]] as const])),
  ];
  const title = name ?? (elements[0] as Element).value;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">
<title>${escaped(title)}</title><style>
body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem}dt{color:#555}dd{margin:0;overflow-wrap:anywhere}
ul{padding-left:1.2rem}li{margin:.4rem 0}small{color:#555}.missing{border-left:.3rem solid #b00020;padding:.2rem .8rem}
@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}dt,small{color:#aaa}a{color:#8ab4f8}}
</style></head><body><main>
<h1>${escaped(title)}</h1>
${missing === null ? '' : `<p class="missing">${escaped(missing)}</p>\n`}<dl>${rows.map(([label, value]) => `<dt>${escaped(label)}</dt><dd>${escaped(value)}</dd>`).join('')}</dl>
${links.length === 0 ? '<p>There are no links for this product.</p>' : `<ul>${links.map(item).join('')}</ul>`}
</main></body></html>
`;
}

function item({ href, title, hreflang, type, linkType }: Link): string {
  const [language] = hreflang;
  const said = [shortLinkType(linkType), ...hreflang, ...(type === null ? [] : [type])].map(escaped).join(' · ');
  const lang = hreflang.length === 1 && language !== undefined ? ` hreflang="${escaped(language)}" lang="${escaped(language)}"` : '';
  return `<li><a href="${escaped(href)}" rel="noopener noreferrer"${lang}>${escaped(title)}</a> <small>${said}</small></li>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
