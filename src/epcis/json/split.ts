import { isUtf8 } from 'node:buffer';
import { LotlineError } from '../../errors.ts';

/** Containers inside one another: deeper documents are refused before anything recursive sees them (J-9). */
export const DEPTH_MAX = 64;
/** Members of one object: beyond it the text is no EPCIS document but an attack on whoever has to look names up. */
export const MEMBERS_MAX = 10_000;
// Up to here names are compared by hash, one by one; larger objects get a Set, whose hash nobody outside can aim at.
const SMALL_OBJECT = 32;

/**
 * One event's bytes, end exclusive; `inexact` when it has a number that a double does not give back as written (J-9); `hashBesideId` when it
 * states its event hash as a first eventID and its own as a second: the one doubled member that is let through, because an official example
 * has it (AssociationEvent-h), and it is clear which of the two is the name.
 */
export type EventSpan = { readonly start: number; readonly end: number; readonly inexact: boolean; readonly hashBesideId: boolean };
type EventListSpan = { readonly at: string; readonly start: number; readonly end: number; readonly events: readonly EventSpan[] };
/** Where the root value and the event lists of a document lie. */
export type SplitText = { readonly root: EventSpan; readonly lists: readonly EventListSpan[] };

const EVENT_LIST = '/epcisBody/eventList';
const QUERY_EVENT_LIST = '/epcisBody/queryResults/resultsBody/eventList';

/**
 * Walks a JSON text once and finds the events of its eventLists without building anything: the whole grammar is checked, duplicate member names
 * are refused at every level however they are escaped, and so are depth, ill-formed Unicode and trailing text (J-9, `EV-SYNTAX`). A BOM is skipped.
 */
export function splitDocument(bytes: Uint8Array, eventsMax = Number.POSITIVE_INFINITY): SplitText {
  if (!isUtf8(bytes)) {
    const offset = firstInvalidByte(bytes);
    throw syntaxError(bytes, offset, '', 'the text is not valid UTF-8', 'Encode the document as UTF-8.');
  }
  return new Splitter(bytes, eventsMax).split();
}

/** "line 3, column 14" of a byte offset; columns count characters, from 1. */
export function linePlace(bytes: Uint8Array, offset: number): string {
  let line = 1;
  let lineStart = 0;
  for (let at = bytes.indexOf(10); at >= 0 && at < offset; at = bytes.indexOf(10, at + 1)) {
    line++;
    lineStart = at + 1;
  }
  let column = 1;
  for (let i = lineStart; i < offset; i++) if ((bytes[i]! & 0xc0) !== 0x80) column++; // a character's further bytes begin with 10
  return `line ${line}, column ${column}`;
}

/** Escapes one name for a JSON Pointer (RFC 6901). */
export function pointerToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function syntaxError(bytes: Uint8Array, offset: number, at: string, what: string, fix: string): LotlineError {
  return new LotlineError('EV-SYNTAX', `${what} (${linePlace(bytes, offset)})`, { at, fix });
}

const FIX_JSON = 'Send one well-formed JSON document.';
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

// Which of the objects on the way to an eventList an object is.
const ELSEWHERE = 0;
const ROOT = 1;
const BODY = 2;
const QUERY_RESULTS = 3;
const RESULTS_BODY = 4;
const EVENT = 5;

const HASH_ID = Buffer.from('"ni:///sha-256;');

/** Working memory of one walk, used again by the next: a walk never waits, so there is only one at a time. */
const SCRATCH = {
  pathIndex: new Int32Array(DEPTH_MAX + 1),
  pathFrom: new Float64Array(DEPTH_MAX + 1),
  pathTo: new Float64Array(DEPTH_MAX + 1),
  nameHash: new Int32Array(DEPTH_MAX * (SMALL_OBJECT + 1)),
  nameFrom: new Float64Array(DEPTH_MAX * (SMALL_OBJECT + 1)),
  nameTo: new Float64Array(DEPTH_MAX * (SMALL_OBJECT + 1)),
};

class Splitter {
  private readonly bytes: Uint8Array;
  private readonly eventsMax: number;
  private readonly lists: EventListSpan[] = [];
  private depth = 0;
  private inexact = false;
  private hashBesideId = false;
  // The way to where we are, by depth: an array's index, or -1 and the byte range of a member's name.
  private readonly pathIndex = SCRATCH.pathIndex;
  private readonly pathFrom = SCRATCH.pathFrom;
  private readonly pathTo = SCRATCH.pathTo;
  // The names of the objects that are open, one after another.
  private readonly nameHash = SCRATCH.nameHash;
  private readonly nameFrom = SCRATCH.nameFrom;
  private readonly nameTo = SCRATCH.nameTo;
  private nameCount = 0;
  private hash = 0;

  constructor(bytes: Uint8Array, eventsMax: number) {
    this.bytes = bytes;
    this.eventsMax = eventsMax;
  }

  split(): SplitText {
    const { bytes } = this;
    const hasBom = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    const start = this.space(hasBom ? 3 : 0);
    if (start === bytes.length) throw this.fail(start, 'the text is empty');
    const end = this.value(start, ROOT);
    const rest = this.space(end);
    if (rest < bytes.length) throw this.fail(rest, 'there is more text after the end of the document');
    return { root: { start, end, inexact: this.inexact, hashBesideId: false }, lists: this.lists };
  }

  private space(from: number): number {
    const { bytes } = this;
    let i = from;
    for (;;) {
      const c = bytes[i];
      if (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) i++;
      else return i;
    }
  }

  /** Reads one value; `place` says which object this is if it is one. Answers the offset after it. */
  private value(i: number, place: number): number {
    const c = this.bytes[i];
    if (c === QUOTE) return this.string(i + 1);
    if (c === 0x7b) return this.object(i, place);
    if (c === 0x5b) return this.array(i, null);
    if (c === 0x74) return this.literal(i, 'true');
    if (c === 0x66) return this.literal(i, 'false');
    if (c === 0x6e) return this.literal(i, 'null');
    return this.number(i);
  }

  private object(open: number, place: number): number {
    const { bytes } = this;
    this.enter(open);
    const { depth } = this;
    const base = this.nameCount;
    let names: Set<string> | null = null;
    let count = 0;
    this.pathIndex[depth] = -1;
    this.pathFrom[depth] = this.pathTo[depth] = 0;
    let i = this.space(open + 1);
    if (bytes[i] === 0x7d) {
      this.depth--;
      return i + 1;
    }
    for (;;) {
      if (bytes[i] !== QUOTE) throw this.failOutside(i, 'a member name in double quotes is expected');
      const from = i + 1;
      i = this.name(from);
      const to = i - 1;
      this.pathFrom[depth] = from;
      this.pathTo[depth] = to;
      if (names !== null) {
        const name = this.text(from, to);
        if (names.has(name)) throw this.duplicate(from);
        names.add(name);
        if (names.size > MEMBERS_MAX) throw this.failOutside(from, `an object has more than ${MEMBERS_MAX} members`);
      } else {
        const { hash, nameHash } = this;
        for (let k = base; k < this.nameCount; k++) {
          if (nameHash[k] !== hash || !this.sameName(this.nameFrom[k]!, this.nameTo[k]!, from, to)) continue;
          if (place !== EVENT || this.hashBesideId || !this.isHashId(k)) throw this.duplicate(from);
          this.hashBesideId = true;
        }
        nameHash[this.nameCount] = hash;
        this.nameFrom[this.nameCount] = from;
        this.nameTo[this.nameCount] = to;
        this.nameCount++;
        if (++count === SMALL_OBJECT) {
          names = new Set();
          for (let k = base; k < this.nameCount; k++) names.add(this.text(this.nameFrom[k]!, this.nameTo[k]!));
        }
      }
      i = this.space(i);
      if (bytes[i] !== 0x3a) throw this.fail(i, 'a colon is expected after the member name');
      i = this.space(i + 1);
      i = place === ELSEWHERE || place === EVENT ? this.value(i, ELSEWHERE) : this.valueOnTheWay(i, place, from, to);
      i = this.space(i);
      const c = bytes[i];
      if (c === 0x2c) i = this.space(i + 1);
      else if (c === 0x7d) break;
      else throw this.failOutside(i, 'a comma or } is expected');
    }
    this.nameCount = base;
    this.depth--;
    return i + 1;
  }

  /** Whether the open object's name number `k` is an eventID whose value is an event hash. */
  private isHashId(k: number): boolean {
    if (this.text(this.nameFrom[k]!, this.nameTo[k]!) !== 'eventID') return false;
    const value = this.space(this.space(this.nameTo[k]! + 1) + 1);
    return HASH_ID.every((byte, i) => this.bytes[value + i] === byte);
  }

  private valueOnTheWay(i: number, place: number, from: number, to: number): number {
    const name = this.text(from, to);
    const c = this.bytes[i];
    if (c === 0x5b && name === 'eventList') {
      if (place === BODY) return this.array(i, EVENT_LIST);
      if (place === RESULTS_BODY) return this.array(i, QUERY_EVENT_LIST);
    }
    let next = ELSEWHERE;
    if (place === ROOT && name === 'epcisBody') next = BODY;
    else if (place === BODY && name === 'queryResults') next = QUERY_RESULTS;
    else if (place === QUERY_RESULTS && name === 'resultsBody') next = RESULTS_BODY;
    return this.value(i, next);
  }

  private array(open: number, listAt: string | null): number {
    const { bytes } = this;
    this.enter(open);
    const { depth, pathIndex } = this;
    const events: EventSpan[] = [];
    const inexactBefore = this.inexact;
    let anyInexact = inexactBefore;
    pathIndex[depth] = 0;
    let i = this.space(open + 1);
    if (bytes[i] !== 0x5d) {
      for (let index = 0; ; index++) {
        pathIndex[depth] = index;
        if (listAt === null) {
          i = this.value(i, ELSEWHERE);
        } else {
          if (index >= this.eventsMax) {
            throw new LotlineError('REQ-LIMIT', `the document has more than ${this.eventsMax} events`, {
              at: listAt,
              fix: `Send at most ${this.eventsMax} events in one document.`,
            });
          }
          this.inexact = false;
          this.hashBesideId = false;
          const start = i;
          i = this.value(i, EVENT);
          events.push({ start, end: i, inexact: this.inexact, hashBesideId: this.hashBesideId });
          anyInexact ||= this.inexact;
        }
        i = this.space(i);
        const c = bytes[i];
        if (c === 0x2c) i = this.space(i + 1);
        else if (c === 0x5d) break;
        else throw this.fail(i, 'a comma or ] is expected');
      }
    }
    this.depth--;
    if (listAt !== null) {
      this.inexact = anyInexact;
      this.lists.push({ at: listAt, start: open, end: i + 1, events });
    }
    return i + 1;
  }

  private enter(at: number): void {
    if (this.depth >= DEPTH_MAX)
      throw this.fail(at, `the document is nested deeper than ${DEPTH_MAX} levels`, 'Flatten the extension data.');
    this.depth++;
  }

  /** A string from after its opening quote to after its closing one. */
  private string(from: number): number {
    const { bytes } = this;
    let i = from;
    for (;;) {
      const c = bytes[i]!;
      if (c === QUOTE) return i + 1;
      if (c === BACKSLASH) i = this.escape(i);
      else if (c >= 0x20) i++;
      else throw this.badString(i, c);
    }
  }

  /** The same for a member name, leaving its hash: FNV-1a over the bytes that the name stands for. */
  private name(from: number): number {
    const { bytes } = this;
    let i = from;
    let hash = -2128831035;
    for (;;) {
      const c = bytes[i]!;
      if (c === QUOTE) break;
      if (c === BACKSLASH) {
        const end = this.string(i);
        hash = -2128831035;
        for (const b of new TextEncoder().encode(this.text(from, end - 1))) hash = Math.imul(hash ^ b, 16777619);
        this.hash = hash;
        return end;
      }
      if (!(c >= 0x20)) throw this.badString(i, c);
      hash = Math.imul(hash ^ c, 16777619);
      i++;
    }
    this.hash = hash;
    return i + 1;
  }

  private escape(at: number): number {
    const c = this.bytes[at + 1];
    if (c === 0x75) {
      const unit = this.hexUnit(at);
      if (unit < 0xd800 || unit > 0xdfff) return at + 6;
      // Half of a surrogate pair is no character: it has no UTF-8, so it could be neither kept nor found again.
      const paired =
        unit < 0xdc00 && this.bytes[at + 6] === BACKSLASH && this.bytes[at + 7] === 0x75 && (this.hexUnit(at + 6) & 0xfc00) === 0xdc00;
      if (!paired) throw this.fail(at, 'an escape is half of a surrogate pair', 'Write the character itself, or both halves of the pair.');
      return at + 12;
    }
    const known = c === QUOTE || c === BACKSLASH || c === 0x2f || c === 0x62 || c === 0x66 || c === 0x6e || c === 0x72 || c === 0x74;
    if (!known) throw this.fail(at, 'a backslash is followed by a character that makes no escape');
    return at + 2;
  }

  /** The UTF-16 code unit of the escape \\uXXXX at its backslash. */
  private hexUnit(at: number): number {
    let unit = 0;
    for (let k = at + 2; k < at + 6; k++) {
      const h = this.bytes[k]!;
      if (!((h >= 0x30 && h <= 0x39) || (h >= 0x41 && h <= 0x46) || (h >= 0x61 && h <= 0x66))) {
        throw this.fail(k, '\\u must be followed by four hexadecimal digits');
      }
      unit = (unit << 4) | (h <= 0x39 ? h - 0x30 : (h & 0x5f) - 0x37);
    }
    return unit;
  }

  private badString(at: number, c: number | undefined): LotlineError {
    return c === undefined
      ? this.fail(at, 'the text ends inside a string')
      : this.fail(at, 'a string holds a raw control character', 'Escape control characters in strings.');
  }

  private literal(i: number, word: string): number {
    for (let k = 0; k < word.length; k++) {
      if (this.bytes[i + k] !== word.charCodeAt(k)) throw this.noValue(i);
    }
    return i + word.length;
  }

  private number(from: number): number {
    const { bytes } = this;
    let i = from;
    let plain = true;
    if (bytes[i] === 0x2d) i++;
    if (bytes[i] === 0x30) i++;
    else i = this.digits(i, from);
    if (bytes[i] === 0x2e) {
      plain = false;
      i = this.digits(i + 1, from);
    }
    if (bytes[i] === 0x65 || bytes[i] === 0x45) {
      plain = false;
      i++;
      if (bytes[i] === 0x2b || bytes[i] === 0x2d) i++;
      i = this.digits(i, from);
    }
    if (!this.inexact && (!plain || i - from > 15 || bytes[from] === 0x2d)) {
      const text = this.ascii(from, i);
      this.inexact = String(Number(text)) !== text;
    }
    return i;
  }

  private digits(at: number, from: number): number {
    const { bytes } = this;
    let i = at;
    while (bytes[i]! >= 0x30 && bytes[i]! <= 0x39) i++;
    if (i === at) throw i === from ? this.noValue(i) : this.fail(i, 'a digit is expected');
    return i;
  }

  private ascii(from: number, to: number): string {
    let text = '';
    for (let i = from; i < to; i++) text += String.fromCharCode(this.bytes[i]!);
    return text;
  }

  /** What a string's content stands for. */
  private text(from: number, to: number): string {
    const raw = new TextDecoder().decode(this.bytes.subarray(from, to));
    return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
  }

  private sameName(aFrom: number, aTo: number, bFrom: number, bTo: number): boolean {
    return this.text(aFrom, aTo) === this.text(bFrom, bTo);
  }

  private noValue(at: number): LotlineError {
    return at >= this.bytes.length ? this.fail(at, 'the text ends where a value is expected') : this.fail(at, 'a value is expected');
  }

  private duplicate(at: number): LotlineError {
    const { depth } = this;
    const name = this.text(this.pathFrom[depth]!, this.pathTo[depth]!);
    return this.fail(at - 1, `the member ${JSON.stringify(name)} stands twice in one object`, 'Keep one of the two.');
  }

  /** A fault in an object between its members: the pointer names the object. */
  private failOutside(offset: number, what: string): LotlineError {
    this.pathFrom[this.depth] = this.pathTo[this.depth] = 0;
    return this.fail(offset, what);
  }

  private fail(offset: number, what: string, fix: string = FIX_JSON): LotlineError {
    let at = '';
    for (let d = 1; d <= this.depth; d++) {
      const index = this.pathIndex[d]!;
      if (index >= 0) at += `/${index}`;
      else if (this.pathFrom[d] !== 0) at += `/${pointerToken(this.text(this.pathFrom[d]!, this.pathTo[d]!))}`;
    }
    const text = offset >= this.bytes.length && what === 'a comma or } is expected' ? 'the text ends inside an object' : what;
    return syntaxError(this.bytes, offset, at, text, fix);
  }
}

/** Where the first character begins that is no UTF-8, in a text known to have one. */
function firstInvalidByte(bytes: Uint8Array): number {
  let i = 0;
  while (i < bytes.length) {
    const lead = bytes[i]!;
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length > 1 && !isUtf8(bytes.subarray(i, i + length))) return i;
    i += length;
  }
  return i;
}
