import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { type Static, type TSchema, Type } from 'typebox';
import { LotlineError } from './errors.ts';
import { EPC_FORMATS } from './identifiers/index.ts';

/**
 * The settings of `lotline serve` (design.md §7): one schema, read from flags, else from the environment, else the default; checked at start.
 * Nothing else is consulted.
 */
const MIB = 1024 * 1024;

export const SettingsSchema = Type.Object({
  host: Type.String({ minLength: 1, maxLength: 253 }),
  port: Type.Integer({ minimum: 0, maximum: 65_535 }),
  data: Type.String({ minLength: 1 }),
  databaseUrl: Type.Union([Type.Null(), Type.String({ pattern: '^postgres(ql)?://[^\\s]+$' })]),
  adminKey: Type.Union([Type.Null(), Type.String({ pattern: '^[A-Za-z0-9._~+/-]{1,256}=*$' })]),
  rules: Type.Union([Type.Literal('flag'), Type.Literal('enforce')]),
  epcFormat: Type.Unsafe<(typeof EPC_FORMATS)[number]>({ type: 'string', enum: EPC_FORMATS }),
  captureMaxEvents: Type.Integer({ minimum: 1, maximum: 10_000_000 }),
  captureMaxBytes: Type.Integer({ minimum: 1024, maximum: 1024 * MIB }),
  origin: Type.Union([Type.Null(), Type.String({ pattern: '^[^\\s+]{1,200}$' })]),
  logKeyFile: Type.Union([Type.Null(), Type.String({ minLength: 1 })]),
  vaultKeyFile: Type.Union([Type.Null(), Type.String({ minLength: 1 })]),
  coiFacility: Type.String({ pattern: '^[A-NP-Z1-9][0-9A-Z]{4}$' }),
  retention: Type.Array(Type.String({ pattern: '^(expiry|use)=\\d{1,3}$' }), { uniqueItems: true }),
  webhookAllowPrivate: Type.Boolean(),
  pagerUrl: Type.Union([Type.Null(), Type.String({ pattern: '^https?://[^\\s]+$' })]),
  pagerToken: Type.Union([Type.Null(), Type.String({ minLength: 16, maxLength: 256 })]),
  verifyProfile: Type.Union([Type.Literal('us'), Type.Literal('local')]),
  verifyPolicy: Type.Array(Type.String({ pattern: '^(recalled|suspect|expired)=(false|info)$' }), { uniqueItems: true }),
  verifyZone: Type.String({ pattern: `^(?:${Intl.supportedValuesOf('timeZone').join('|')}|UTC)$` }),
  responderGln: Type.Union([Type.Null(), Type.String({ pattern: '^\\d{13}$' })]),
  ledgerPublic: Type.Boolean(),
  metricsPublic: Type.Boolean(),
  corsOrigins: Type.Array(Type.String({ pattern: '^(\\*|https?://[^/\\s,]+)$' }), { uniqueItems: true }),
});
export type Settings = Static<typeof SettingsSchema>;
export type SettingName = keyof Settings;

export type SettingText = {
  readonly env: string;
  /** As commander reads it. */
  readonly flag: string;
  readonly kind: 'text' | 'number' | 'switch' | 'list';
  readonly byDefault: Settings[SettingName];
  readonly unit: string;
  readonly about: string;
  /** What happens when this is lost or wrong. */
  readonly ifWrong: string;
  /** What a good value is, for the error. */
  readonly fix: string;
  readonly secret?: true;
};

/** Every setting: where it is read from, its default, and what follows when it is wrong. */
export const SETTINGS = {
  host: {
    env: 'LOTLINE_HOST',
    flag: '--host <address>',
    kind: 'text',
    byDefault: '127.0.0.1',
    unit: 'address or name',
    about: 'The address to listen on; 0.0.0.0 for every one.',
    ifWrong:
      'The start fails, or others cannot reach the service. Beyond this machine, put a proxy with TLS before it: keys travel in clear.',
    fix: 'Name an address of this machine, such as 127.0.0.1.',
  },
  port: {
    env: 'LOTLINE_PORT',
    flag: '--port <number>',
    kind: 'number',
    byDefault: 8080,
    unit: 'TCP port; 0 takes any free one',
    about: 'The port to listen on.',
    ifWrong: 'The start fails when another program has the port.',
    fix: 'Give a whole number from 0 to 65535.',
  },
  data: {
    env: 'LOTLINE_DATA',
    flag: '--data <folder>',
    kind: 'text',
    byDefault: './lotline-data',
    unit: 'folder',
    about:
      'Where the embedded store and the log key lie. Made when it is not there. With a database, only the log key, unless LOTLINE_LOG_KEY_FILE names it.',
    ifWrong: 'Another folder is another, empty store: what was captured seems to be gone until the right one is named.',
    fix: 'Name a folder that this program may write to.',
  },
  databaseUrl: {
    env: 'LOTLINE_DATABASE_URL',
    flag: '--database-url <url>',
    kind: 'text',
    byDefault: null,
    unit: 'postgres:// URL; unset: the embedded store',
    about: 'The PostgreSQL database to keep everything in.',
    ifWrong: 'The start fails, or another database is another, empty store. Who knows the URL may read and change everything.',
    fix: 'Write it as postgres://user:password@host:5432/database, or leave it unset for the embedded store.',
    secret: true,
  },
  adminKey: {
    env: 'LOTLINE_ADMIN_KEY',
    flag: '--admin-key <key>',
    kind: 'text',
    byDefault: null,
    unit: '1 to 256 of A-Z a-z 0-9 - . _ ~ + /; unset: one is made and printed at the first start',
    about: 'A bootstrap admin key. Only its SHA-256 is kept. A new value replaces the one before it.',
    ifWrong: 'Whoever knows it may do everything. One of less than 16 characters can be guessed: the start says so.',
    fix: 'Take 32 or more random characters of A-Z, a-z, 0-9, -, ., _, ~, + and /, without spaces.',
    secret: true,
  },
  rules: {
    env: 'LOTLINE_RULES',
    flag: '--rules <mode>',
    kind: 'text',
    byDefault: 'flag',
    unit: 'flag | enforce',
    about: 'Whether events that break business rules are stored with a finding, or refused.',
    ifWrong: 'With enforce, events of things that did happen may be missing from the record.',
    fix: 'Write flag or enforce.',
  },
  epcFormat: {
    env: 'LOTLINE_EPC_FORMAT',
    flag: '--epc-format <format>',
    kind: 'text',
    byDefault: 'Always_GS1_Digital_Link',
    unit: EPC_FORMATS.join(' | '),
    about: 'The form of identifiers in answers to requests without a GS1-EPC-Format header.',
    ifWrong: 'Clients that compare identifiers as texts may not find theirs.',
    fix: `Write one of ${EPC_FORMATS.join(', ')}.`,
  },
  captureMaxEvents: {
    env: 'LOTLINE_CAPTURE_MAX_EVENTS',
    flag: '--capture-max-events <number>',
    kind: 'number',
    byDefault: 100_000,
    unit: 'events a capture call',
    about: 'A document with more events is answered 413.',
    ifWrong: 'Too small: honest documents are refused. Too large: one call can hold up the others for long.',
    fix: 'Give a whole number from 1 to 10000000.',
  },
  captureMaxBytes: {
    env: 'LOTLINE_CAPTURE_MAX_BYTES',
    flag: '--capture-max-bytes <number>',
    kind: 'number',
    byDefault: 104_857_600,
    unit: 'bytes a capture call',
    about: 'A larger document is answered 413.',
    ifWrong: 'Too small: honest documents are refused. Too large: memory runs out when several come at once.',
    fix: 'Give a whole number of bytes from 1024 to 1073741824.',
  },
  origin: {
    env: 'LOTLINE_ORIGIN',
    flag: '--origin <name>',
    kind: 'text',
    byDefault: null,
    unit: 'a name like lotline.example/plant1; unset: made with the log key',
    about: "The log's name, first line of every checkpoint.",
    ifWrong: 'It cannot change later: the start fails when the log key bears another name.',
    fix: 'Give a name without spaces and without +, such as lotline.example/plant1.',
  },
  logKeyFile: {
    env: 'LOTLINE_LOG_KEY_FILE',
    flag: '--log-key-file <file>',
    kind: 'text',
    byDefault: null,
    unit: 'file; unset: log.key in the data folder, made at the first start',
    about: 'The key that signs checkpoints, in the signer form of signed notes.',
    ifWrong:
      'If it is lost, the log cannot go on under its name; if others have it, they can sign in its name. Back it up apart from the data. All processes on one database need the same.',
    fix: 'Name a file with the key that signed this log before.',
  },
  vaultKeyFile: {
    env: 'LOTLINE_VAULT_KEY_FILE',
    flag: '--vault-key-file <file>',
    kind: 'text',
    byDefault: null,
    unit: 'file; unset: vault.key in the data folder, made when somebody is first put into the vault',
    about: 'The key under which the identities of patients and donors are sealed.',
    ifWrong:
      'If it is lost, nobody can read the identities any more; who has it and the store can. Back it up apart from the data. All processes on one database need the same.',
    fix: 'Name the file with the key under which the vault was sealed.',
  },
  coiFacility: {
    env: 'LOTLINE_COI_FACILITY',
    flag: '--coi-facility <number>',
    kind: 'text',
    byDefault: 'A9999',
    unit: 'facility identification number of ISBT 128, 5 characters',
    about: 'Under which chain of identity identifiers are issued for orders that bring none.',
    ifWrong: 'A9999 is for examples: others may issue the same identifiers. Use the number that ICCBBA has given to the organisation.',
    fix: 'Give five characters: a letter but O, or a digit from 1 to 9, then letters and digits.',
  },
  retention: {
    env: 'LOTLINE_RETENTION',
    flag: '--retention <list>',
    kind: 'list',
    byDefault: [],
    unit: 'expiry=, use= with years, separated by commas; expiry=30,use=10 where not named',
    about: 'For how long it is kept who was given cells: after their expiry, and after they were given. The longer one holds.',
    ifWrong: 'Too short: identities may be erased that the law has you keep. Too long: requests for erasure are refused without need.',
    fix: 'Write such as expiry=30,use=10.',
  },
  webhookAllowPrivate: {
    env: 'LOTLINE_WEBHOOK_ALLOW_PRIVATE',
    flag: '--webhook-allow-private',
    kind: 'switch',
    byDefault: false,
    unit: 'on | off',
    about: 'Whether webhooks may lead to private addresses: this machine, its networks, link-local and the like.',
    ifWrong:
      'On: whoever may subscribe can have this service send requests to what only it reaches. Off: receivers within your network get nothing.',
    fix: 'Write on or off.',
  },
  pagerUrl: {
    env: 'LOTLINE_PAGER_URL',
    flag: '--pager-url <url>',
    kind: 'text',
    byDefault: null,
    unit: 'http(s) URL; unset: nobody is paged',
    about: 'Where every finding about patient safety is posted at once, and again until it is taken. Nothing mutes it.',
    ifWrong: 'Nobody hears of a mix-up but who looks at the list of findings.',
    fix: 'Write the whole URL, such as https://pager.example/lotline.',
  },
  pagerToken: {
    env: 'LOTLINE_PAGER_TOKEN',
    flag: '--pager-token <secret>',
    kind: 'text',
    byDefault: null,
    unit: '16 to 256 characters; unset: pages are not signed',
    about: 'The secret with which pages are signed, as webhooks are (docs/subscriptions.md).',
    ifWrong: 'The pager cannot tell a page from what somebody else sends it.',
    fix: 'Take 32 or more random characters.',
    secret: true,
  },
  verifyProfile: {
    env: 'LOTLINE_VERIFY_PROFILE',
    flag: '--verify-profile <profile>',
    kind: 'text',
    byDefault: 'us',
    unit: 'us | local',
    about: 'What a verification request has to bear: with us lot and expiry, with local the serial number alone will do.',
    ifWrong: 'With local, whoever knows a serial number but not its lot and expiry gets a yes.',
    fix: 'Write us or local.',
  },
  verifyPolicy: {
    env: 'LOTLINE_VERIFY_POLICY',
    flag: '--verify-policy <list>',
    kind: 'list',
    byDefault: [],
    unit: 'recalled=, suspect=, expired= with false or info, separated by commas; false where not named',
    about: 'How a pack is answered that is recalled, suspect (or on hold) or expired: false, or true with the condition beside it.',
    ifWrong: 'With info, a client that reads only the yes passes on what is recalled, suspect or expired.',
    fix: 'Write such as recalled=false,expired=info.',
  },
  verifyZone: {
    env: 'LOTLINE_VERIFY_ZONE',
    flag: '--verify-zone <zone>',
    kind: 'text',
    byDefault: 'UTC',
    unit: 'IANA time zone',
    about: 'The zone in which the last day of a pack ends.',
    ifWrong: 'Packs expire some hours too early or too late.',
    fix: 'Write a zone such as UTC or Europe/Berlin.',
  },
  responderGln: {
    env: 'LOTLINE_RESPONDER_GLN',
    flag: '--responder-gln <gln>',
    kind: 'text',
    byDefault: null,
    unit: 'GLN of 13 digits; unset: of who commissioned the product',
    about: 'Who answers verification requests.',
    ifWrong: 'Answers go by the name of somebody else.',
    fix: 'Write the 13 digits of your GLN.',
  },
  ledgerPublic: {
    env: 'LOTLINE_LEDGER_PUBLIC',
    flag: '--ledger-public',
    kind: 'switch',
    byDefault: false,
    unit: 'on | off',
    about: 'Whether checkpoint, tiles and the public log key are served without a key, for monitors and witnesses.',
    ifWrong: 'On: everybody sees how much is captured and when, though not what.',
    fix: 'Write on or off.',
  },
  metricsPublic: {
    env: 'LOTLINE_METRICS_PUBLIC',
    flag: '--metrics-public',
    kind: 'switch',
    byDefault: false,
    unit: 'on | off',
    about: 'Whether /metrics is served without a key. Off, it takes a key of the role reader or admin.',
    ifWrong: 'On: everybody who reaches the service sees its counts and speed.',
    fix: 'Write on or off.',
  },
  corsOrigins: {
    env: 'LOTLINE_CORS_ORIGINS',
    flag: '--cors-origins <list>',
    kind: 'list',
    byDefault: [],
    unit: 'origins like https://app.example, separated by commas, or *',
    about: 'Web pages of which origins may read answers. None: only pages of this service.',
    ifWrong: 'Too few: a page gets no answers. *: every page may use a key that its user has given it.',
    fix: 'Write origins with scheme and without a path, separated by commas: https://app.example.',
  },
} as const satisfies Record<SettingName, SettingText>;

const names = Object.keys(SETTINGS) as SettingName[];
const ajv = new Ajv({ allErrors: true });
const isSound = (name: SettingName, value: unknown): boolean => ajv.validate(SettingsSchema.properties[name] as TSchema, value);

/**
 * The settings in force: a flag before the environment before the default. Whatever is wrong is told at once, each with its place and how to
 * mend it; `CFG-VALUE`, whose `at` is the first variable that is wrong.
 */
export function readSettings(flags: Partial<Record<SettingName, unknown>> = {}, env: Record<string, string | undefined> = {}): Settings {
  const settings: Record<string, unknown> = {};
  const wrong: { at: string; what: string; fix: string }[] = [];
  for (const name of names) {
    const text: SettingText = SETTINGS[name];
    const flag = flags[name];
    const given = flag ?? (env[text.env] === '' ? undefined : env[text.env]);
    const value = given === undefined ? text.byDefault : valueIn(text, given);
    settings[name] = value;
    if (given === undefined || isSound(name, value)) continue;
    const where = flag === undefined ? text.env : (text.flag.split(' ')[0] as string);
    const shown = text.secret ? 'its value' : JSON.stringify(given);
    wrong.push({ at: where, what: `${where}: ${shown} is not ${text.unit}`, fix: text.fix });
  }
  const [first] = wrong;
  if (first === undefined) return settings as Settings;
  throw new LotlineError('CFG-VALUE', wrong.map((w) => w.what).join('; '), { at: first.at, fix: wrong.map((w) => w.fix).join(' ') });
}

function valueIn(text: SettingText, given: unknown): unknown {
  if (typeof given !== 'string') return given;
  switch (text.kind) {
    case 'number':
      return /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
    case 'switch':
      return SWITCH.get(given.toLowerCase());
    case 'list':
      return given
        .split(',')
        .map((part) => part.trim().replace(/\/$/, ''))
        .filter((part) => part !== '');
    case 'text':
      return given;
  }
}

/** Years for which it is kept who was given cells (domain.md INV-30): 30 after expiry and 10 after use where nothing else is set. */
export function retentionOf({ retention }: Pick<Settings, 'retention'>): { afterExpiry: number; afterUse: number } {
  const years = (name: string, byDefault: number) =>
    Number(retention.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? byDefault);
  return { afterExpiry: years('expiry', 30), afterUse: years('use', 10) };
}

const SWITCH: ReadonlyMap<string, boolean> = new Map([
  ['on', true],
  ['true', true],
  ['1', true],
  ['yes', true],
  ['off', false],
  ['false', false],
  ['0', false],
  ['no', false],
]);

/** Variables that look like ours and are none: mostly typing errors, so the start tells of them. */
export function unknownVariables(env: Record<string, string | undefined>): string[] {
  const known = new Set<string>(names.map((name) => SETTINGS[name].env));
  return Object.keys(env).filter((name) => name.startsWith('LOTLINE_') && !known.has(name));
}

/** The settings in force, a line each, without secrets. */
export function describeSettings(settings: Settings): string[] {
  return names.map((name) => {
    const text: SettingText = SETTINGS[name];
    return `${text.env}=${shownValue(text, settings[name])}`;
  });
}

/** Characters of a secret that somebody typed; what lotline makes itself has 256 random bits. */
const GUESSABLE_BELOW = 16;

function shownValue(text: SettingText, value: Settings[SettingName]): string {
  if (value === null || (Array.isArray(value) && value.length === 0)) return '(unset)';
  if (text.secret) return String(value).length < GUESSABLE_BELOW ? '(set, not shown; so short that it can be guessed)' : '(set, not shown)';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return Array.isArray(value) ? value.join(',') : String(value);
}

/** What this program calls itself, from the package beside it. */
export const VERSION = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;
