import { describe, expect, it } from 'vitest';
import { CHAIN, DOSE, DOSE2, type EventParts, worldOf } from '../../../test/support/check-worlds.ts';
import { foldContainers } from '../containers.ts';
import type { ChainView } from '../view.ts';
import { BIZ_STEP } from '../vocabulary.ts';
import { unmetForClosing } from './closing.ts';

const millilitres = (value: number) => ({ value, uom: 'MLT' });
const filled = (key: string, number: number, of: number, volume: number | null = 50): EventParts => ({
  minutes: 0,
  type: 'TransformationEvent',
  action: null,
  outputs: [key],
  coi: { bag: { number, of }, ...(volume !== null && { volume: millilitres(volume) }) },
});
const given = (minutes: number, action: 'OBSERVE' | 'DELETE', volume: number, key = DOSE): EventParts => ({
  minutes,
  action,
  bizStep: BIZ_STEP.infusing,
  epcs: [key],
  coi: { volume: millilitres(volume) },
});

function unmet(parts: readonly EventParts[]): { code: string; things?: readonly string[] | undefined }[] {
  const world = worldOf(parts, { bound: { [DOSE]: CHAIN, [DOSE2]: CHAIN } });
  const view = { containers: foldContainers(world), labels: [], holds: [] } as unknown as ChainView;
  return unmetForClosing(world, view).map(({ code, things }) => ({ code, things }));
}

describe('INV-25, domain.md §12.5: what keeps an order open', () => {
  it('is nothing, when every bag was given, in one go or in several', () => {
    expect(unmet([filled(DOSE, 1, 1), given(10, 'DELETE', 50)])).toEqual([]);
    expect(unmet([filled(DOSE, 1, 1), given(10, 'OBSERVE', 30), given(20, 'DELETE', 20)])).toEqual([]);
  });

  it('is nothing, when a bag was a little fuller than measured, or nobody measured it', () => {
    expect(unmet([filled(DOSE, 1, 1), given(10, 'DELETE', 54)])).toEqual([]);
    expect(unmet([filled(DOSE, 1, 1, null), given(10, 'DELETE', 54)])).toEqual([]);
  });

  it('is a bag of which more was given than was in it', () => {
    expect(unmet([filled(DOSE, 1, 1), given(10, 'OBSERVE', 40), given(20, 'DELETE', 40)])).toEqual([
      { code: 'COI-VOLUME', things: [DOSE] },
    ]);
  });

  it('is a bag that has no end', () => {
    expect(unmet([filled(DOSE, 1, 1), given(10, 'OBSERVE', 30)])).toEqual([{ code: 'COI-OPEN', things: [DOSE] }]);
  });

  it('is a bag that was filled and never seen', () => {
    expect(unmet([filled(DOSE, 1, 2), given(10, 'DELETE', 50)])).toEqual([{ code: 'COI-VOLUME', things: [DOSE] }]);
    expect(unmet([filled(DOSE, 1, 2), filled(DOSE2, 2, 2), given(10, 'DELETE', 50), given(20, 'DELETE', 50, DOSE2)])).toEqual([]);
  });
});
