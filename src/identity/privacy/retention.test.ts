import { describe, expect, it } from 'vitest';
import { NO_FIELDS } from '../event.ts';
import { BIZ_STEP } from '../vocabulary.ts';
import type { WorldEvent } from '../world.ts';
import { keptUntil } from './retention.ts';

const TERM = { afterExpiry: 30, afterUse: 10 };
const event = (time: string, more: Partial<WorldEvent>): WorldEvent => ({
  seq: 1,
  eventID: 'e',
  type: 'ObjectEvent',
  action: 'OBSERVE',
  time: Date.parse(time),
  recorded: 0,
  offset: '+00:00',
  bizStep: null,
  disposition: null,
  readPoint: null,
  bizLocation: null,
  sources: [],
  destinations: [],
  parent: null,
  epcs: [],
  children: [],
  inputs: [],
  outputs: [],
  quantities: [],
  expiry: null,
  transformationID: null,
  coi: NO_FIELDS,
  ...more,
});
const until = (...events: WorldEvent[]) => {
  const ms = keptUntil({ events }, TERM);
  return ms === null ? null : new Date(ms).toISOString().slice(0, 10);
};
const made = (expiry: string, dose = 'dose') => event('2026-01-01T00:00:00Z', { action: 'ADD', outputs: [dose], expiry });
const given = (time: string, ...epcs: string[]) => event(time, { bizStep: BIZ_STEP.infusing, epcs });

describe('until when it is kept who was given cells (INV-30)', () => {
  it.each([
    ['nothing was given', null, [made('2027-06-30')]],
    ['30 years after the expiry', '2057-06-30', [made('2027-06-30'), given('2026-03-01T08:00:00Z', 'dose')]],
    ['10 years after it was given, where that is later', '2076-03-01', [made('2027-06-30'), given('2066-03-01T08:00:00Z', 'dose')]],
    ['30 years after it was given, where no expiry is known', '2056-03-01', [given('2026-03-01T08:00:00Z', 'other')]],
    ['the later of two bags', '2058-01-31', [made('2027-06-30'), made('2028-01-31', 'two'), given('2026-03-01T08:00:00Z', 'dose', 'two')]],
  ] as const)('%s: %s', (_why, day, events) => {
    expect(until(...events)).toBe(day);
  });
});
