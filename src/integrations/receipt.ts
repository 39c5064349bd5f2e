/** What a gateway tells of a document that it forwards: who it is, when it took it by its own clock, and how far that clock is ahead of the service's. */
export type Receipt = { readonly name: string /** ms since 1970 */; readonly received: number; readonly offsetMs: number };

/** The value of `Lotline-Gateway`: `line 1; received=2026-03-02T02:15:00.000Z; offset=-40`. A name has no semicolon. */
export const formatReceipt = ({ name, received, offsetMs }: Receipt): string =>
  `${name}; received=${new Date(received).toISOString()}; offset=${Math.round(offsetMs)}`;

/** Null for every text that formatReceipt could not have written. */
export function readReceipt(text: string): Receipt | null {
  const [, name, received, offset] = RECEIPT.exec(text) ?? [];
  if (name === undefined || received === undefined || offset === undefined) return null;
  const ms = Date.parse(received);
  return Number.isNaN(ms) ? null : { name, received: ms, offsetMs: Number(offset) };
}

/** A gateway's name goes into a header: visible ASCII and single spaces within. */
export const isGatewayName = (name: string): boolean => NAME.test(name);

const NAME = /^[!-:<-~](?:[ -:<-~]{0,98}[!-:<-~])?$/;
const RECEIPT = /^([!-:<-~](?:[ -:<-~]{0,98}[!-:<-~])?); received=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z); offset=(-?\d{1,15})$/;
