import type { FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import { compareVersions } from './epcis-headers.ts';
import { accepted } from './negotiate.ts';

const asking = (accept?: string) => ({ headers: accept === undefined ? {} : { accept } }) as FastifyRequest;

describe('Accept (R-10)', () => {
  it.each([
    [undefined, 'application/json'],
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['text/csv', 'text/csv'],
    ['text/*', 'text/csv'],
    ['application/json;q=0.2, text/csv', 'text/csv'],
    ['text/csv;q=0.5, */*;q=0.5', 'application/json'],
    ['*/*, application/json;q=0', 'text/csv'],
    ['TEXT/CSV; header=present', 'text/csv'],
  ])('%s gives %s', (accept, type) => {
    expect(accepted(asking(accept), ['application/json', 'text/csv'])).toBe(type);
  });

  it.each(['text/html', 'application/json;q=0, text/csv;q=0', 'nonsense'])('%s is refused with what there is', (accept) => {
    expect(() => accepted(asking(accept), ['application/json', 'text/csv'])).toThrow(
      expect.objectContaining({ code: 'REQ-ACCEPT', fix: 'Accept application/json or text/csv.' }),
    );
  });
});

describe('versions (R-14)', () => {
  it.each([
    ['2.0', '2.0.0', 0],
    ['2', '2.0', 0],
    ['2.0.1', '2.0', 1],
    ['1.2', '2.0', -1],
    ['2.10', '2.9', 1],
  ] as const)('%s against %s', (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign);
    expect(Math.sign(compareVersions(b, a))).toBe(sign === 0 ? 0 : -sign);
  });
});
