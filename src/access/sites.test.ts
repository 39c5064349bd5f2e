import { describe, expect, it } from 'vitest';
import { mayActAt, siteKey } from './sites.ts';

describe('sites (domain.md §17.1)', () => {
  const site = siteKey('urn:epc:id:sgln:9520123.00010.0');
  const ward = siteKey('urn:epc:id:sgln:9520123.00010.W1');

  it('are one site in every spelling', () => {
    expect(siteKey('https://id.gs1.org/414/9520123000103')).toBe(site);
    expect(site).toBe('414/9520123000103');
  });

  it('hold the places within, not the other way round', () => {
    expect(mayActAt({ sites: [site] }, site)).toBe(true);
    expect(mayActAt({ sites: [site] }, ward)).toBe(true);
    expect(mayActAt({ sites: [ward] }, ward)).toBe(true);
    expect(mayActAt({ sites: [ward] }, site)).toBe(false);
    expect(mayActAt({ sites: [ward] }, `${ward}2`)).toBe(false);
    expect(mayActAt({ sites: [site] }, '414/9520123000110')).toBe(false);
  });

  it('where none are named, are all', () => {
    expect(mayActAt({ sites: [] }, site)).toBe(true);
  });
});
