/** How PostgreSQL takes a column of values as one parameter, and rows in a COPY: binary, since texts of either would have to be escaped and parsed. */

export type ColumnType = 'bigint' | 'integer' | 'smallint' | 'double precision' | 'text' | 'bytea';
export type Value = number | string | Uint8Array | null;

/** The oids of the types, as they stand in the server's catalogue. */
const OID: Readonly<Record<ColumnType, number>> = { bigint: 20, integer: 23, smallint: 21, 'double precision': 701, text: 25, bytea: 17 };

/** A whole list as one parameter, for `$1::bigint[]` and its like. */
export function arrayOf(type: ColumnType, list: readonly Value[]): Buffer {
  const bytes = new Bytes(24 + list.length * 12);
  bytes.int32(list.length === 0 ? 0 : 1); // dimensions
  bytes.int32(list.includes(null) ? 1 : 0);
  bytes.int32(OID[type]);
  if (list.length > 0) {
    bytes.int32(list.length);
    bytes.int32(1); // the first index
    for (const value of list) bytes.value(type, value);
  }
  return bytes.taken();
}

/** Rows as `COPY … FROM STDIN (FORMAT binary)` takes them, in pieces of some 64 KiB. */
export function* copyOf(types: readonly ColumnType[], rows: Iterable<readonly Value[]>): Generator<Buffer> {
  const bytes = new Bytes(PIECE_BYTES * 2);
  bytes.raw(SIGNATURE);
  bytes.int32(0); // flags
  bytes.int32(0); // no extension
  for (const row of rows) {
    bytes.int16(types.length);
    for (let i = 0; i < types.length; i++) bytes.value(types[i] as ColumnType, row[i] as Value);
    if (bytes.length >= PIECE_BYTES) yield bytes.taken();
  }
  bytes.int16(-1);
  yield bytes.taken();
}

const PIECE_BYTES = 65_536;
const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const TWO_32 = 2 ** 32;

/** Bytes that grow as they are written. */
class Bytes {
  private buffer: Buffer;
  length = 0;

  constructor(size: number) {
    this.buffer = Buffer.allocUnsafe(size);
  }

  /** What was written since the last time. */
  taken(): Buffer {
    const piece = this.buffer.subarray(0, this.length);
    this.buffer = Buffer.allocUnsafe(this.buffer.length);
    this.length = 0;
    return piece;
  }

  int16(value: number): void {
    this.room(2);
    this.length = this.buffer.writeInt16BE(value, this.length);
  }

  int32(value: number): void {
    this.room(4);
    this.length = this.buffer.writeInt32BE(value, this.length);
  }

  raw(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** A value with its length before it. */
  value(type: ColumnType, value: Value): void {
    if (value === null) {
      this.int32(-1);
      return;
    }
    if (typeof value === 'string') {
      this.room(4 + value.length * 3);
      const written = this.buffer.write(value, this.length + 4, 'utf8');
      this.buffer.writeInt32BE(written, this.length);
      this.length += 4 + written;
      return;
    }
    if (typeof value === 'object') {
      this.int32(value.length);
      this.raw(value);
      return;
    }
    this.room(12);
    const { buffer } = this;
    let at = this.length;
    if (type === 'bigint') {
      at = buffer.writeInt32BE(8, at);
      at = buffer.writeInt32BE(Math.floor(value / TWO_32), at);
      at = buffer.writeInt32BE(value | 0, at);
    } else if (type === 'integer') {
      at = buffer.writeInt32BE(4, at);
      at = buffer.writeInt32BE(value, at);
    } else if (type === 'smallint') {
      at = buffer.writeInt32BE(2, at);
      at = buffer.writeInt16BE(value, at);
    } else {
      at = buffer.writeInt32BE(8, at);
      at = buffer.writeDoubleBE(value + 0, at); // -0 is 0, as SQLite has it
    }
    this.length = at;
  }

  private room(more: number): void {
    if (this.length + more <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.length + more));
    larger.set(this.buffer.subarray(0, this.length));
    this.buffer = larger;
  }
}
