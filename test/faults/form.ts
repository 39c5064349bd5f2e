/** Which form the fault tests take: the short one is for every run of the suite, the long one for LOTLINE_FAULTS=long. */
export const LONG = process.env['LOTLINE_FAULTS'] === 'long';
/** Kills of a service; LOTLINE_FAULTS_KILLS asks for another number. */
export const KILLS = Number(process.env['LOTLINE_FAULTS_KILLS'] ?? (LONG ? 300 : 7));
/** The same documents, moments and places again with LOTLINE_FAULTS_SEED. */
export const SEED = Number(process.env['LOTLINE_FAULTS_SEED'] ?? Date.now() % 1_000_000);
