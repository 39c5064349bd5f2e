/**
 * What things are called (design.md §2, §4): every spelling of an identifier leads to one canonical key, and back.
 * EPC URN ⇄ GS1 Digital Link ⇄ element string; check digits; what a scanner sent; ISBT 128. Pure: no I/O, no clock.
 */
export { constrainedDigitalLink } from './constrained-link.ts';
export { parseEpc, parseEpcClass } from './epc.ts';
export { formatKey, glnOf, locationKey, parseKey, partyKey } from './key.ts';
export type { Thing, ThingLot } from './thing.ts';
