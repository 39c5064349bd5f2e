import { formatKey, parseEpc, parseEpcClass, toDigitalLink, toEpcUrn } from '../../identifiers/index.ts';
import type { VocabularyKind } from '../cbv/lists.ts';
import { canonicalVocabulary } from '../cbv/vocabulary.ts';
import { EPCIS_PREFIXES, type Prefixes } from '../prefixes.ts';
import { EPCIS_CONTEXT_URLS, type KnownContexts, readContext } from './context.ts';

/** The values of the header GS1-EPC-Format (V-9). */
export type EpcFormat = 'No_Preference' | 'Always_GS1_Digital_Link' | 'Always_EPC_URN' | 'Never_Translates';

export type WriteEventOptions = {
  /** Set, or put in place of the sender's, which the standard has ignored (§2.1). */
  readonly recordTime?: string;
  /** Added where the event has none (C-3). */
  readonly eventID?: string;
  /** `Never_Translates` and `No_Preference` leave every value as captured. */
  readonly epcFormat?: EpcFormat;
  /** The digits of the company prefix of a canonical key, null when unknown: then the link stays a link (codes.md §5). */
  readonly companyPrefixLength?: (key: string) => number | null;
  /** What CURIEs of vocabulary values stand for; the EPCIS context's own prefixes when left out. */
  readonly prefixes?: Prefixes;
  /** JSON text to set as the event's `@context`. */
  readonly context?: string;
};

/**
 * An event's own JSON text, rewritten token by token: what is not changed comes back byte for byte, numbers and member order included (DM-18).
 * Identifiers and standard CBV values are translated where `epcFormat` asks for it (V-2, V-9, V-10); extensions and ilmd never are.
 */
export function writeEvent(text: string, options: WriteEventOptions = {}): string {
  const rewriter = new Rewriter(text, Translation.of(options));
  const sets: [string, string][] = [];
  if (options.context !== undefined) sets.push(['@context', options.context]);
  if (options.recordTime !== undefined) sets.push(['recordTime', JSON.stringify(options.recordTime)]);
  const adds: [string, string][] = options.eventID === undefined ? [] : [['eventID', JSON.stringify(options.eventID)]];
  return rewriter.event(sets, adds);
}

/** An event's own JSON text with members set to other JSON texts, or added; the rest byte for byte. */
export function withMembers(text: string, members: Readonly<Record<string, string>>): string {
  return new Rewriter(text, null).event(Object.entries(members), []);
}

export type QueryDocument = {
  /** Events as writeEvent gave them, each with the JSON text of the `@context` of the document it came in. */
  readonly events: Iterable<{ readonly text: string; readonly contextText: string }>;
  readonly queryName: string;
  /** Present exactly when the result is delivered for a subscription (DOC-5). */
  readonly subscriptionID?: string;
  readonly creationDate: string;
  readonly schemaVersion?: string;
  readonly contexts?: KnownContexts;
};

/**
 * An EPCISQueryDocument of events that came in different documents (DOC-2). Its `@context` is the EPCIS context and one object with the prefixes
 * the events use. Where two documents gave one prefix different namespaces, the first keeps it; an event of the other carries its own
 * `@context`, an array of the EPCIS context and the prefixes that differ. An event that already had one keeps it, behind those prefixes.
 */
export function writeQueryDocument(document: QueryDocument): string {
  const [epcisContext] = EPCIS_CONTEXT_URLS;
  const shared = new Map<string, string>();
  const declared = new Map<string, readonly (readonly [string, string])[]>();
  const events: string[] = [];
  for (const { text, contextText } of document.events) {
    let prefixes = declared.get(contextText);
    if (prefixes === undefined) {
      prefixes = ownPrefixes(contextText, document.contexts);
      declared.set(contextText, prefixes);
    }
    const differing: [string, string][] = [];
    for (const [prefix, namespace] of prefixes) {
      if (!uses(text, prefix)) continue;
      const known = shared.get(prefix);
      if (known === undefined) shared.set(prefix, namespace);
      else if (known !== namespace) differing.push([prefix, namespace]);
    }
    if (differing.length === 0) {
      events.push(text);
      continue;
    }
    const object = JSON.stringify(Object.fromEntries(differing));
    const own = new Rewriter(text, null).member('@context');
    const inner = own?.startsWith('[') ? own.slice(1, -1).trim() : own;
    const context = inner ? `[${object},${inner}]` : `[${JSON.stringify(epcisContext)},${object}]`;
    events.push(writeEvent(text, { context }));
  }
  const context = shared.size === 0 ? [epcisContext] : [epcisContext, Object.fromEntries(shared)];
  const head = JSON.stringify({
    '@context': context,
    type: 'EPCISQueryDocument',
    schemaVersion: document.schemaVersion ?? '2.0',
    creationDate: document.creationDate,
  }).slice(0, -1);
  const results = JSON.stringify({
    queryName: document.queryName,
    ...(document.subscriptionID !== undefined && { subscriptionID: document.subscriptionID }),
  });
  return `${head},"epcisBody":{"queryResults":${results.slice(0, -1)},"resultsBody":{"eventList":[${events.join(',')}]}}}}`;
}

/** The prefixes that a document declared beyond those of the EPCIS context. */
function ownPrefixes(contextText: string, known: KnownContexts | undefined): readonly (readonly [string, string])[] {
  const { prefixes } = readContext(JSON.parse(contextText), '/@context', { known });
  return [...prefixes].filter(([prefix, namespace]) => EPCIS_PREFIXES.get(prefix) !== namespace);
}

/** Whether a name or value of the event may begin with the prefix. A text with \u escapes may spell it unseen and is taken to use all. */
function uses(text: string, prefix: string): boolean {
  return text.includes(`"${prefix}:`) || text.includes(`"@${prefix}:`) /* an attribute in XML */ || text.includes('\\u');
}

// ── What is translated ───────────────────────────────────────────────────────────────────────

/** What kind of value stands at a place of an event. */
export type TextKind = 'epc' | 'class' | VocabularyKind;
type Plan = { readonly text: TextKind } | { readonly each: Plan } | { readonly members: ReadonlyMap<string, Plan> };

const text = (kind: TextKind): Plan => ({ text: kind });
const each = (plan: Plan): Plan => ({ each: plan });
const members = (plans: Record<string, Plan>): Plan => ({ members: new Map(Object.entries(plans)) });

const epcs = each(text('epc'));
const quantities = each(members({ epcClass: text('class') }));
const EVENT_PLAN = new Map<string, Plan>(
  Object.entries({
    epcList: epcs,
    childEPCs: epcs,
    inputEPCList: epcs,
    outputEPCList: epcs,
    parentID: text('epc'),
    quantityList: quantities,
    childQuantityList: quantities,
    inputQuantityList: quantities,
    outputQuantityList: quantities,
    readPoint: members({ id: text('epc') }),
    bizLocation: members({ id: text('epc') }),
    sourceList: each(members({ type: text('sourceDestType'), source: text('epc') })),
    destinationList: each(members({ type: text('sourceDestType'), destination: text('epc') })),
    bizTransactionList: each(members({ type: text('bizTransactionType'), bizTransaction: text('epc') })),
    bizStep: text('bizStep'),
    disposition: text('disposition'),
    persistentDisposition: members({ set: each(text('disposition')), unset: each(text('disposition')) }),
    errorDeclaration: members({ reason: text('errorReason') }),
    sensorElementList: each(
      members({
        sensorMetadata: members({ deviceID: text('epc') }),
        sensorReport: each(
          members({ deviceID: text('epc'), type: text('measurementType'), exception: text('sensorAlert'), component: text('component') }),
        ),
      }),
    ),
  }),
);

export type TranslationOptions = Pick<WriteEventOptions, 'epcFormat' | 'companyPrefixLength' | 'prefixes'>;

/** Gives values the form that `epcFormat` asks for, in whichever syntax they stand. */
export class Translation {
  private readonly toUrn: boolean;
  private readonly companyPrefixLength: (key: string) => number | null;
  private readonly prefixes: Prefixes;

  constructor(options: TranslationOptions) {
    this.toUrn = options.epcFormat === 'Always_EPC_URN';
    this.companyPrefixLength = options.companyPrefixLength ?? (() => null);
    this.prefixes = options.prefixes ?? EPCIS_PREFIXES;
  }

  /** Null when every value is to stay as captured. */
  static of(options: TranslationOptions): Translation | null {
    const { epcFormat } = options;
    return epcFormat === 'Always_GS1_Digital_Link' || epcFormat === 'Always_EPC_URN' ? new Translation(options) : null;
  }

  /** What cannot be translated comes back as it is. */
  translate(kind: TextKind, value: string): string {
    try {
      if (kind === 'epc' || kind === 'class') return this.identifier(kind, value);
      const canonical = canonicalVocabulary(kind, value, this.prefixes);
      return canonical.includes(':') ? value : canonical;
    } catch {
      return value;
    }
  }

  private identifier(kind: 'epc' | 'class', value: string): string {
    if (value.startsWith('urn:epc:') === this.toUrn) return value;
    const key = formatKey(kind === 'epc' ? parseEpc(value) : parseEpcClass(value));
    if (!this.toUrn) return toDigitalLink(key) ?? value;
    if (key === value) return value;
    const length = this.companyPrefixLength(key);
    const urn = length === null ? null : toEpcUrn(key, length);
    // A link to a whole class in an EPC list has only a pattern as its URN, which must not stand there (I-6).
    return urn === null || (kind === 'epc' && !urn.startsWith('urn:epc:id:')) ? value : urn;
  }
}

// ── Tokens ───────────────────────────────────────────────────────────────────────────────────

/** Goes through a well-formed JSON text and copies it, but for the tokens that are replaced. */
class Rewriter {
  private readonly text: string;
  private readonly translation: Translation | null;
  private readonly out: string[] = [];
  private copied = 0;
  private i = 0;

  constructor(json: string, translation: Translation | null) {
    this.text = json;
    this.translation = translation;
  }

  /** The event with `sets` put in place or added, `adds` added where they are missing, and its values translated. */
  event(sets: readonly (readonly [string, string])[], adds: readonly (readonly [string, string])[]): string {
    const missing = new Map([...sets, ...adds]);
    const replacing = new Map(sets);
    this.space();
    const afterBrace = this.i + 1;
    const empty = this.eachMember((name) => {
      missing.delete(name);
      const from = this.i;
      const replacement = replacing.get(name);
      if (replacement !== undefined) {
        this.skip();
        this.replace(from, this.i, replacement);
        return;
      }
      const plan = this.translation === null ? undefined : EVENT_PLAN.get(name);
      if (plan === undefined) this.skip();
      else this.follow(plan);
    });
    const body = this.out.join('') + this.text.slice(this.copied);
    const added = [...missing].map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',');
    if (added === '') return body;
    // Nothing before the first brace is ever replaced, so the place is the same in the rewritten text.
    return `${body.slice(0, afterBrace)}${added}${empty ? '' : ','}${body.slice(afterBrace)}`;
  }

  /** The JSON text of one member of the object, undefined when it has none. */
  member(wanted: string): string | undefined {
    let found: string | undefined;
    this.space();
    this.eachMember((name) => {
      const from = this.i;
      this.skip();
      if (name === wanted) found = this.text.slice(from, this.i);
    });
    return found;
  }

  private follow(plan: Plan): void {
    const c = this.text[this.i];
    if ('text' in plan && c === '"') {
      const from = this.i;
      this.skipString();
      const value = JSON.parse(this.text.slice(from, this.i)) as string;
      const translated = this.translation?.translate(plan.text, value) ?? value;
      if (translated !== value) this.replace(from, this.i, JSON.stringify(translated));
    } else if ('each' in plan && c === '[') {
      this.eachItem(() => this.follow(plan.each));
    } else if ('members' in plan && c === '{') {
      this.eachMember((name) => {
        const inner = plan.members.get(name);
        if (inner === undefined) this.skip();
        else this.follow(inner);
      });
    } else this.skip();
  }

  /** Calls back before each member's value, which the callback must pass. Answers whether there was none. */
  private eachMember(visit: (name: string) => void): boolean {
    this.i++;
    this.space();
    const empty = this.text[this.i] === '}';
    while (this.text[this.i] !== '}') {
      if (this.text[this.i] === ',') {
        this.i++;
        this.space();
      }
      const from = this.i;
      this.skipString();
      const name = JSON.parse(this.text.slice(from, this.i)) as string;
      this.space();
      this.i++; // the colon
      this.space();
      visit(name);
      this.space();
    }
    this.i++;
    return empty;
  }

  private eachItem(visit: () => void): void {
    this.i++;
    this.space();
    while (this.text[this.i] !== ']') {
      if (this.text[this.i] === ',') {
        this.i++;
        this.space();
      }
      visit();
      this.space();
    }
    this.i++;
  }

  private skip(): void {
    const c = this.text[this.i];
    if (c === '"') this.skipString();
    else if (c === '{' || c === '[') {
      let depth = 0;
      do {
        const inner = this.text[this.i];
        if (inner === '"') {
          this.skipString();
          continue;
        }
        if (inner === '{' || inner === '[') depth++;
        else if (inner === '}' || inner === ']') depth--;
        this.i++;
      } while (depth > 0);
    } else {
      while (this.i < this.text.length && !',]} \t\r\n'.includes(this.text[this.i] as string)) this.i++;
    }
  }

  private skipString(): void {
    let end = this.text.indexOf('"', this.i + 1);
    while (this.isEscaped(end)) end = this.text.indexOf('"', end + 1);
    this.i = end + 1;
  }

  private isEscaped(at: number): boolean {
    let slashes = 0;
    while (this.text.charCodeAt(at - 1 - slashes) === 92) slashes++;
    return slashes % 2 === 1;
  }

  private space(): void {
    while (this.text.charCodeAt(this.i) <= 32) this.i++;
  }

  private replace(from: number, to: number, json: string): void {
    this.out.push(this.text.slice(this.copied, from), json);
    this.copied = to;
  }
}
