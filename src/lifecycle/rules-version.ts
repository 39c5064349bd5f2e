/**
 * The number of the rules by which this program judges events: the fold, its findings, and what is refused (docs/rules.md lists every set). Stored with
 * each event; raise it with every change of what an event comes to.
 */
export const RULES_VERSION = 2;
