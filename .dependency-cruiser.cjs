/**
 * The floors and rooms of the house (ARCHITECTURE.md): a room imports only what lies below it, and beside it only along the arrows.
 * Types count like values; tests are free.
 */
const OWN = ['^src/'];
/** What every room may use: the errors that leave lotline. */
const ERRORS = '^src/errors\\.ts$';

/** A room may import itself, the errors, and these; everything else of ours is forbidden. */
const room = (name, path, allowed, comment) => ({
  name: `${name}-looks-down-only`,
  comment,
  severity: 'error',
  from: { path },
  to: { path: OWN, pathNot: [path, ERRORS, ...allowed] },
});

const IDENTIFIERS = '^src/identifiers/';
const EPCIS = '^src/epcis/';
const STORE = '^src/store/';
const LIFECYCLE = '^src/lifecycle/';
const GENEALOGY = '^src/genealogy/';
const IDENTITY = '^src/identity/';
const NUMBERS = '^src/numbers/';
const ACCESS = '^src/access/';
const LEDGER = '^src/ledger/';
/** What of the ledger asks the store, or keeps a key in a file; the rest is pure and runs in a browser. */
const LEDGER_SERVER = '^src/ledger/(questions|log-key|log-head|stored-log|node-crypto)\\.ts$';
const WORLDS = '^src/worlds/';
const DOMAIN = [IDENTIFIERS, EPCIS, STORE, LIFECYCLE, GENEALOGY, IDENTITY, NUMBERS, ACCESS, LEDGER];
const USE_CASES = '^src/(capture|moving|query|subscriptions|resolver|verification|labels|integrations)/';
const SETTINGS = '^src/settings\\.ts$';

module.exports = {
  forbidden: [
    {
      name: 'no-circle',
      comment: 'Two modules that need each other are one module, or hide a third.',
      severity: 'error',
      from: { path: OWN },
      // Types alone make no circle when the program runs: a thread and its starter share the types of their messages.
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    room('errors', ERRORS, [], 'errors.ts knows nobody.'),
    room('identifiers', IDENTIFIERS, [], 'Keys and codes stand by themselves.'),
    room('epcis', EPCIS, [IDENTIFIERS], 'The standard as pure functions, on top of the identifiers.'),
    room('store', STORE, [IDENTIFIERS, EPCIS], 'Where things are kept: no rules.'),
    {
      name: 'store-takes-types-only',
      comment: 'The store may speak of events and things, but does nothing with them.',
      severity: 'error',
      from: { path: STORE },
      to: { path: [IDENTIFIERS, EPCIS], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'ledger-is-portable',
      comment: 'Log, proofs and checkpoints run in the browser and offline: no store, no Node.',
      severity: 'error',
      from: { path: LEDGER, pathNot: LEDGER_SERVER },
      to: { path: ['^src/', '^(node:)?(fs|path|crypto|os|worker_threads|child_process)$'], pathNot: [LEDGER, ERRORS] },
    },
    {
      name: 'ledger-pure-part-stands-alone',
      comment: 'The portable modules never import those of the server.',
      severity: 'error',
      from: { path: LEDGER, pathNot: LEDGER_SERVER },
      to: { path: LEDGER_SERVER },
    },
    room('ledger', LEDGER, [STORE, EPCIS, IDENTIFIERS], 'Its questions ask the store.'),
    room('lifecycle', LIFECYCLE, [STORE, EPCIS, IDENTIFIERS], 'What each thing is.'),
    room('genealogy', GENEALOGY, [LIFECYCLE, STORE, EPCIS, IDENTIFIERS], 'What became what; the one arrow leads to lifecycle.'),
    room('identity', IDENTITY, [GENEALOGY, LIFECYCLE, ACCESS, STORE, EPCIS, IDENTIFIERS], 'Whose cells these are.'),
    room('numbers', NUMBERS, [LIFECYCLE, STORE, EPCIS, IDENTIFIERS], 'Serial numbers and batches; the one arrow leads to lifecycle.'),
    room('access', ACCESS, [STORE, EPCIS, IDENTIFIERS], 'Who may do and see what.'),
    room('worlds', WORLDS, [IDENTIFIERS, EPCIS], 'Demo worlds are documents and an answer key, and know no store.'),
    room('use-cases', USE_CASES, DOMAIN, 'Use cases stand on the domain; doors stand on them.'),
    room('settings', SETTINGS, [IDENTIFIERS], 'What may be set.'),
    room('api', '^src/api/', [...DOMAIN, USE_CASES, SETTINGS], 'A door: a route calls one use case.'),
    room('cli', '^src/cli/', [...DOMAIN, USE_CASES, SETTINGS, WORLDS, '^src/api/', '^src/service\\.ts$'], 'A door: a command.'),
    room('web', '^src/web/', [IDENTIFIERS, EPCIS, LEDGER, '^src/api/'], 'A door: a page.'),
    {
      name: 'nobody-imports-main',
      comment: 'main.ts knows everybody, and nobody knows it.',
      severity: 'error',
      from: { path: OWN },
      to: { path: '^src/main\\.ts$' },
    },
    {
      name: 'drivers-stay-in-the-store',
      comment: 'Only the store speaks to a database driver.',
      severity: 'error',
      from: { path: OWN, pathNot: STORE },
      to: { path: 'node_modules/(better-sqlite3|pg)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-tests-in-the-program',
      comment: 'What runs does not import what tests it.',
      severity: 'error',
      from: { path: OWN },
      to: { path: ['\\.test\\.ts$', '^test/', '^bench/'] },
    },
    {
      name: 'everything-resolves',
      comment: 'An import that leads nowhere.',
      severity: 'error',
      // The page's own modules import what the server serves beside them.
      from: { path: OWN, pathNot: '^src/web/public/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    exclude: { path: ['\\.test\\.ts$', '^dist/'] },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
