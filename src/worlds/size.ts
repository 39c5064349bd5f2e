/** How large a seeded world is, and how its lines and warehouses work. */
export type WorldSize = {
  /** Production batches; each ends in one to three packaging lots. */
  batches: number;
  /** Least and most packs of a packaging lot. */
  packsPerLot: readonly [number, number];
  /** Packs of each of the three lots of the big batch, all from one API lot. */
  packsPerBigLot: number;
  /** Serials of a commissioning event. */
  perEvent: number;
  perCase: number;
  casesPerPallet: number;
  /** Packs whose events travel in one document. */
  packsPerDocument: number;
  /** The line's pace. */
  msPerPack: number;
  /** Of a thousand cases at the distribution centres, how many are opened. */
  openedPerMille: number;
  /** Least and most packs of a delivery to a pharmacy. */
  delivery: readonly [number, number];
};

/** S: about ten thousand events. M: about a million packs, more than half of them from one raw lot. */
export const WORLD_SIZES = {
  S: {
    batches: 12,
    packsPerLot: [2000, 4000],
    packsPerBigLot: 6000,
    perEvent: 200,
    perCase: 80,
    casesPerPallet: 12,
    packsPerDocument: 2000,
    msPerPack: 3000,
    openedPerMille: 220,
    delivery: [4, 24],
  },
  M: {
    batches: 12,
    packsPerLot: [16_000, 32_000],
    packsPerBigLot: 180_000,
    perEvent: 1000,
    perCase: 80,
    casesPerPallet: 48,
    packsPerDocument: 20_000,
    msPerPack: 200,
    openedPerMille: 60,
    delivery: [4, 24],
  },
} as const satisfies Record<string, WorldSize>;
