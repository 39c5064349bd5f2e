/**
 * resolver: from a GS1 Digital Link to where it leads: addresses, links kept at things, lots and products, the choice among them, and their forms for
 * people and machines. It tells the public nothing of what became of a thing.
 */
export { type Address, RESOLVED_KEYS, readAddress, verificationPath } from './address.ts';
export { chooseLink, inherited, inheritedDefault } from './choose.ts';
export { LINKS_MAX, type LinkList, linkTypeOf, readLinks, shortLinkType } from './links.ts';
export { linkset } from './linkset.ts';
export { PAGE_POLICY, page } from './page.ts';
export type { Resolved } from './questions.ts';
