-- Turns the large tables of an empty lotline store in PostgreSQL into partitioned ones (docs/scaling.md). Run it once, before anything is captured:
--
--     psql "$LOTLINE_DATABASE_URL" -v ON_ERROR_STOP=1 -f docs/partitions.sql
--
-- What grows with time goes by ranges of its number, so that old ranges can be moved to slower disks, backed up once, and left out of vacuum.
-- What is found by name is spread by hash. Sizes are for a maker of a billion packs a year; change them before running.
SET search_path = lotline;

DO $$
DECLARE
  -- table, how it is cut, by which column, the width of a range, how many ranges to make now (or the number of hash partitions)
  plan CONSTANT TEXT[][] := ARRAY[
    ['entry',       'RANGE', 'seq',   '50000000',   '4'],
    ['payload',     'RANGE', 'capture', '20000000', '4'],
    ['event',       'RANGE', 'seq',   '50000000',   '4'],
    ['item',        'RANGE', 'id',    '250000000',  '4'],
    ['item_name',   'HASH',  'serial', '',          '16'],
    ['event_item',  'RANGE', 'item',  '250000000',  '4'],
    ['event_field', 'RANGE', 'seq',   '50000000',   '4'],
    ['containment', 'RANGE', 'child', '250000000',  '4']
  ];
  t TEXT[];
  n INT;
BEGIN
  FOREACH t SLICE 1 IN ARRAY plan LOOP
    EXECUTE format('ALTER TABLE %I RENAME TO %I', t[1], t[1] || '_plain');
    -- Without the unique index on capture_id: a unique index of a partitioned table has to hold the column that it is cut by.
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING STORAGE) PARTITION BY %s (%I)', t[1], t[1] || '_plain', t[2], t[3]);
    FOR n IN 0 .. t[5]::INT - 1 LOOP
      IF t[2] = 'HASH' THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS %s, REMAINDER %s)', t[1] || '_' || n, t[1], t[5], n);
      ELSE
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)', t[1] || '_' || n, t[1],
          CASE WHEN n = 0 THEN 'MINVALUE' ELSE (n * t[4]::BIGINT)::TEXT END, ((n + 1) * t[4]::BIGINT)::TEXT);
      END IF;
    END LOOP;
    IF t[2] = 'RANGE' THEN
      -- What nobody made room for in time is not refused; move it out before the next range is made.
      EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', t[1] || '_rest', t[1]);
    END IF;
    EXECUTE format('DROP TABLE %I', t[1] || '_plain');
  END LOOP;
END $$;

ALTER TABLE entry ADD PRIMARY KEY (seq);
ALTER TABLE payload ADD PRIMARY KEY (capture);
CREATE INDEX payload_capture_id ON payload (capture_id);
ALTER TABLE event ADD PRIMARY KEY (seq);
ALTER TABLE item ADD PRIMARY KEY (id);
ALTER TABLE item_name ADD PRIMARY KEY (class, serial);
ALTER TABLE event_item ADD PRIMARY KEY (item, seq, role);
ALTER TABLE event_field ADD PRIMARY KEY (field, key, seq, part);
ALTER TABLE containment ADD PRIMARY KEY (child, from_seq, parent, kind, uom);
CREATE INDEX item_pack ON item (lot, id) WHERE lot IS NOT NULL AND (flags & 1) = 0;
CREATE INDEX item_consumed ON item (lot, id) WHERE (flags & 4) = 4;
CREATE INDEX event_time ON event (time, seq);
CREATE INDEX event_event_id ON event USING hash (event_id) WHERE event_id IS NOT NULL;
CREATE INDEX event_hash ON event (hash);
CREATE INDEX event_digest ON event (digest);
CREATE INDEX event_type ON event (type, seq);
CREATE INDEX event_biz_step ON event (biz_step, seq);
CREATE INDEX event_disposition ON event (disposition, seq);
CREATE INDEX event_read_point ON event (read_point, seq);
CREATE INDEX event_biz_location ON event (biz_location, seq);
CREATE INDEX event_transformation ON event (transformation) WHERE transformation IS NOT NULL;
CREATE INDEX event_declares ON event (seq) WHERE declares = 1;
CREATE INDEX event_twin_of ON event (twin_of) WHERE twin_of IS NOT NULL;
CREATE INDEX event_field_event ON event_field (seq, field, key);
CREATE INDEX containment_parent ON containment (parent, to_time);
