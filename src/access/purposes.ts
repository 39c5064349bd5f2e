/** Why somebody reads what is linked to a patient (header X-Purpose, INV-29). */
export const PURPOSES = ['treatment', 'manufacture', 'quality', 'traceability', 'privacy'] as const;
export type Purpose = (typeof PURPOSES)[number];
