/**
 * The journal's tables as drizzle knows them, for the ordinary queries: one table, a few conditions. The migrations are what makes them and what
 * says what each column means; a test holds these declarations to them. Questions that join or walk are SQL (style.md, Kysely).
 */
import { blob, integer, QueryBuilder, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';

const bytes = (name: string) => blob(name).$type<Uint8Array>();

/** What a thing is now: the columns that items and lots have in common (rows.ts). */
const state = () => ({
  parent: integer('parent'),
  entered_seq: integer('entered_seq'),
  status: integer('status'),
  status_seq: integer('status_seq'),
  before: integer('before'),
  before_seq: integer('before_seq'),
  disposition: integer('disposition'),
  disposition_seq: integer('disposition_seq'),
  holder: integer('holder'),
  owner: integer('owner'),
  custody_seq: integer('custody_seq'),
  place: integer('place'),
  place_seq: integer('place_seq'),
  last_seq: integer('last_seq'),
  claim_seq: integer('claim_seq'),
  flags: integer('flags').notNull(),
  persistent: text('persistent'),
});

const stay = () => ({
  child: integer('child').notNull(),
  from_seq: integer('from_seq').notNull(),
  parent: integer('parent').notNull(),
  kind: integer('kind').notNull(),
  uom: text('uom').notNull(),
  quantity: real('quantity'),
  to_time: integer('to_time'),
  to_seq: integer('to_seq'),
  inferred: integer('inferred').notNull(),
  known_seq: integer('known_seq').notNull(),
});

export const tables = {
  entry: sqliteTable('entry', {
    seq: integer('seq').primaryKey(),
    kind: text('kind').notNull(),
    record_time: integer('record_time').notNull(),
    actor: text('actor').notNull(),
    capture: integer('capture'),
    event_hash: bytes('event_hash'),
    body_digest: bytes('body_digest').notNull(),
    payload_digest: bytes('payload_digest'),
    leaf_hash: bytes('leaf_hash').notNull(),
    encoding: integer('encoding').notNull(),
    body: bytes('body').notNull(),
  }),
  payload: sqliteTable('payload', {
    capture: integer('capture').primaryKey(),
    capture_id: text('capture_id').notNull(),
    digest: bytes('digest').notNull(),
    context: text('context').notNull(),
    parts: text('parts').notNull(),
    encoding: integer('encoding').notNull(),
    gaps: bytes('gaps').notNull(),
  }),
  tile: sqliteTable('tile', {
    level: integer('level').notNull(),
    idx: integer('idx').notNull(),
    hashes: bytes('hashes').notNull(),
  }),
  checkpoint: sqliteTable('checkpoint', {
    size: integer('size').primaryKey(),
    signed_at: integer('signed_at').notNull(),
    text: text('text').notNull(),
  }),
  term: sqliteTable('term', { id: integer('id').primaryKey(), text: text('text').notNull() }),
  class: sqliteTable('class', { id: integer('id').primaryKey(), key: text('key').notNull() }),
  prefix: sqliteTable('prefix', { scheme: text('scheme').notNull(), company: text('company').notNull() }),
  lot: sqliteTable('lot', {
    id: integer('id').primaryKey(),
    class: integer('class').notNull(),
    lot: text('lot').notNull(),
    expiry: integer('expiry'),
    ...state(),
    balance: text('balance'),
  }),
  item: sqliteTable('item', {
    id: integer('id').primaryKey(),
    class: integer('class').notNull(),
    serial: text('serial').notNull(),
    lot: integer('lot'),
    expiry: integer('expiry'),
    ...state(),
  }),
  event: sqliteTable('event', {
    seq: integer('seq').primaryKey(),
    type: integer('type').notNull(),
    action: integer('action'),
    time: integer('time').notNull(),
    below: text('below').notNull(),
    rank: integer('rank').notNull(),
    utc_offset: text('utc_offset').notNull(),
    event_id: text('event_id'),
    hash: bytes('hash').notNull(),
    digest: bytes('digest').notNull(),
    biz_step: integer('biz_step'),
    disposition: integer('disposition'),
    read_point: integer('read_point'),
    biz_location: integer('biz_location'),
    parent: integer('parent'),
    transformation: integer('transformation'),
    declares: integer('declares').notNull(),
    void_seq: integer('void_seq'),
    twin_of: integer('twin_of'),
    facts: text('facts').notNull(),
  }),
  event_item: sqliteTable('event_item', {
    item: integer('item').notNull(),
    seq: integer('seq').notNull(),
    role: integer('role').notNull(),
  }),
  event_lot: sqliteTable('event_lot', {
    lot: integer('lot').notNull(),
    seq: integer('seq').notNull(),
    role: integer('role').notNull(),
    quantity: real('quantity'),
    uom: text('uom'),
  }),
  event_field: sqliteTable('event_field', {
    field: integer('field').notNull(),
    key: text('key').notNull(),
    seq: integer('seq').notNull(),
    part: integer('part').notNull(),
  }),
  containment: sqliteTable('containment', stay()),
  containment_past: sqliteTable('containment_past', {
    id: integer('id').primaryKey(),
    ...stay(),
    until_seq: integer('until_seq').notNull(),
  }),
  lineage: sqliteTable('lineage', {
    transformation: integer('transformation').notNull(),
    side: integer('side').notNull(),
    node: integer('node').notNull(),
    seq: integer('seq').notNull(),
    quantity: real('quantity'),
    uom: text('uom'),
  }),
  finding: sqliteTable('finding', {
    id: integer('id').primaryKey(),
    code: text('code').notNull(),
    seq: integer('seq').notNull(),
    severity: text('severity').notNull(),
    state: text('state').notNull(),
    opened: integer('opened').notNull(),
    due: integer('due'),
    closed_seq: integer('closed_seq'),
    resolution: text('resolution'),
  }),
  finding_thing: sqliteTable('finding_thing', {
    finding: integer('finding').notNull(),
    node: integer('node').notNull(),
    other: integer('other').notNull(),
  }),
  masterdata: sqliteTable('masterdata', {
    type: text('type').notNull(),
    id: text('id').notNull(),
    seq: integer('seq').notNull(),
    attributes: text('attributes').notNull(),
    children: text('children').notNull(),
    sent: text('sent'),
  }),
  link: sqliteTable('link', {
    thing: text('thing').primaryKey(),
    links: text('links').notNull(),
    preferred: text('preferred'),
    seq: integer('seq').notNull(),
  }),
  api_key: sqliteTable('api_key', {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    roles: text('roles').notNull(),
    hash: bytes('hash').notNull(),
    created: integer('created').notNull(),
    ended: integer('ended'),
  }),
  capture_job: sqliteTable('capture_job', {
    id: integer('id').primaryKey(),
    capture_id: text('capture_id').notNull(),
    actor: text('actor').notNull(),
    behaviour: text('behaviour').notNull(),
    created: integer('created').notNull(),
    finished: integer('finished').notNull(),
    success: integer('success').notNull(),
    events: integer('events').notNull(),
    stored: integer('stored').notNull(),
    errors: text('errors').notNull(),
  }),
  named_query: sqliteTable('named_query', {
    name: text('name').primaryKey(),
    query: text('query').notNull(),
    actor: text('actor').notNull(),
    created: integer('created').notNull(),
  }),
  subscription: sqliteTable('subscription', {
    id: text('id').primaryKey(),
    query: text('query').notNull(),
    actor: text('actor').notNull(),
    created: integer('created').notNull(),
    terms: text('terms').notNull(),
    next_seq: integer('next_seq').notNull(),
    version: integer('version').notNull(),
    progress: text('progress').notNull(),
  }),
  meta: sqliteTable('meta', { name: text('name').primaryKey(), value: text('value').notNull() }),
} as const;

/**
 * Starts an ordinary query; `Db.all` runs it, typed by the columns asked for:
 *
 *     await db.all<{ size: number }>(query.select({ size: checkpoint.size }).from(checkpoint).where(gt(checkpoint.size, 7)).getSQL())
 */
export const query = new QueryBuilder();
