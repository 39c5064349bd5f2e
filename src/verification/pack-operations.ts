import { randomUUID } from 'node:crypto';
import type { CaptureService } from '../capture/service.ts';
import { LotlineError } from '../errors.ts';
import { parseKey, toDigitalLink } from '../identifiers/index.ts';
import type { FindingCode } from '../lifecycle/findings.ts';
import { REACTIVATING } from '../lifecycle/steps.ts';
import type { Readers } from '../query/readers.ts';
import { isEnded, type Verdict } from './decide.ts';
import type { Ended, PackFacts } from './facts.ts';
import {
  type EndedFor,
  type InHand,
  REASONS,
  type Reason,
  type Refusal,
  reasonOf,
  refusesDecommission,
  refusesIdentity,
  refusesReactivation,
  refusesVerify,
  WORDS,
} from './operations.ts';
import type { Caller, Verification } from './verification.ts';

/** The namespace of the one field of ours in the events that these calls write. */
export const PACKS_NAMESPACE = 'urn:lotline:packs:';
/** Two sites at once: each loser reads again and decides again, so often at most. */
const TRIES = 8;
/** Things that one call decommissions at most. */
export const CASCADE_MAX = 20_000;

export type PackAnswer = {
  ok: boolean;
  state: 'active' | 'inactive' | 'unknown';
  /** The word of GET /things for it. */
  status: string | null;
  code?: string;
  alias?: string;
  hub?: string;
  info?: string;
  /** Of what is inactive. */
  reason?: Reason;
};

export type PackQuestion = { readonly key: string; readonly inHand: InHand; readonly site: string | null };

/** The European operations on a pack (domain.md §8.3–8.4). What changes a pack is an ordinary event, captured while the pack is as it was judged. */
export class PackOperations {
  private readonly verification: Verification;
  private readonly readers: Readers;
  private readonly capture: CaptureService;

  constructor(deps: { verification: Verification; readers: Readers; capture: CaptureService }) {
    this.verification = deps.verification;
    this.readers = deps.readers;
    this.capture = deps.capture;
  }

  async verify(pack: PackQuestion, caller: Caller): Promise<PackAnswer> {
    return await this.counted('pack-verify', pack, caller, async () => {
      const { facts, ended } = await this.lookUp(pack);
      const refusal = refusesIdentity(facts, pack.inHand, this.moment()) ?? refusesVerify(facts, ended, this.moment());
      return { facts, ended, refusal };
    });
  }

  async decommission(
    pack: PackQuestion & { readonly site: string },
    asked: { reason: Reason; cascade: boolean },
    caller: Caller,
  ): Promise<PackAnswer> {
    return await this.counted('decommission', pack, caller, () =>
      this.change(pack, caller, async (facts, ended) => {
        // Read after the mark was, and again with each try: what has left the container meanwhile stays as it is.
        const content = await this.contentOf(pack.key);
        return {
          refusal: refusesDecommission(facts, ended, { ...asked, site: pack.site, content: content.length }, this.moment()),
          // What is inside comes first: a container that ends with content is an exception, and so it ends empty.
          event: () => decommissioning([...content, pack.key], pack.site, asked.reason),
        };
      }),
    );
  }

  async reactivate(pack: PackQuestion & { readonly site: string }, caller: Caller): Promise<PackAnswer> {
    return await this.counted('reactivate', pack, caller, () =>
      this.change(pack, caller, async (facts, ended) => ({
        refusal: refusesReactivation(facts, ended, pack.site, this.moment()),
        event: () => reactivating(pack.key, pack.site),
      })),
    );
  }

  /** Looks, decides, and writes while what was looked at still holds; otherwise again. Exactly one of two that end a pack at once is told ok. */
  private async change(
    pack: PackQuestion,
    caller: Caller,
    decide: (facts: PackFacts, ended: EndedFor | null) => Promise<{ refusal: Refusal | null; event: () => Record<string, unknown> }>,
  ): Promise<Judged> {
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const { facts, ended } = await this.lookUp(pack);
      const identity = refusesIdentity(facts, pack.inHand, this.moment());
      if (identity !== null) return { facts, ended, refusal: identity };
      const { refusal, event } = await decide(facts, ended);
      if (refusal !== null) return { facts, ended, refusal };
      // It comes after everything that it rests on, whatever the clocks of others said.
      const time = Math.max(this.verification.now(), facts.latest + 1);
      const body = Buffer.from(JSON.stringify({ ...event(), eventTime: new Date(time).toISOString(), eventTimeZoneOffset: '+00:00' }));
      const outcome = await this.capture.captureEvent({ body, actor: caller.id, expect: { thing: pack.key, mark: facts.mark } });
      if (outcome.success) {
        const after = await this.lookUp(pack);
        return { ...after, refusal: null };
      }
      const [problem] = outcome.errors;
      if (problem?.code !== 'EV-STALE')
        throw new LotlineError(problem?.code ?? 'INTERNAL', problem?.title ?? 'the event was not stored', {
          at: problem?.at ?? '',
          fix: problem?.fix ?? 'Try again.',
        });
    }
    throw new LotlineError('EV-STALE', `${pack.key} is being changed by others all the time`, { fix: 'Try again in a little while.' });
  }

  private async lookUp(pack: PackQuestion): Promise<{ facts: PackFacts; ended: EndedFor | null }> {
    const facts = await this.readers.look('packFacts', { key: pack.key, lot: pack.inHand.lot, site: pack.site });
    const { ended } = facts;
    if (ended === null) return { facts, ended: null };
    const told = await this.readers.look('endReason', { seq: ended.seq });
    return { facts, ended: { ...pickEnd(ended), reason: isReason(told) ? told : reasonOf(ended) } };
  }

  /** Keys of all that is inside, the innermost first. */
  private async contentOf(key: string): Promise<string[]> {
    const contents = await this.readers.look('contents', { of: key, depth: 1 });
    if (contents === null || contents.count === 0) return [];
    const all = await this.readers.ask('contents', { of: key, depth: 'all' });
    const members = (all?.members ?? []).filter((member) => 'serial' in parseKey(member.key));
    if (members.length > CASCADE_MAX)
      throw new LotlineError('REQ-LIMIT', `${members.length} things are inside, and one call decommissions ${CASCADE_MAX} at most`, {
        fix: 'Decommission its containers one by one.',
      });
    return members.sort((a, b) => b.depth - a.depth).map((member) => member.key);
  }

  private async counted(call: string, pack: PackQuestion, caller: Caller, work: () => Promise<Judged>): Promise<PackAnswer> {
    const { key, inHand, site } = pack;
    const question = { key, lot: inHand.lot, expiry: inHand.expiry, site };
    return await this.verification.counted(
      { call, question, caller, corr: randomUUID(), asked: this.verification.digest(call, question) },
      async () => {
        const { facts, ended, refusal } = await work();
        if (refusal?.level === 5) {
          this.verification.raise(
            refusal.code as FindingCode,
            facts,
            `${call} by ${caller.id}${site === null ? '' : ` at ${site}`}: ${refusal.info}`,
          );
        }
        return { answer: answerOf(facts, ended, refusal), verdict: verdictFor(refusal), facts };
      },
    );
  }

  private moment() {
    return { now: this.verification.now(), zone: this.verification.options.zone };
  }
}

type Judged = { facts: PackFacts; ended: EndedFor | null; refusal: Refusal | null };

function answerOf(facts: PackFacts, ended: EndedFor | null, refusal: Refusal | null): PackAnswer {
  // Who does not have the pack in hand, by its lot and expiry, is told nothing of it.
  const identified = refusal === null || !['VER-PRODUCT', 'VER-UNKNOWN', 'VER-DIFFERS'].includes(refusal.code);
  return {
    ok: refusal === null,
    state: !identified ? 'unknown' : isEnded(facts) ? 'inactive' : 'active',
    status: identified ? facts.status : null,
    ...(refusal !== null && { code: refusal.code, info: refusal.info }),
    ...(refusal?.alias != null && { alias: refusal.alias }),
    ...(refusal?.hub != null && { hub: refusal.hub }),
    ...(identified && ended !== null && { reason: ended.reason }),
  };
}

/** As the log and the limits of failed verifications take it. */
function verdictFor(refusal: Refusal | null): Verdict {
  switch (refusal?.code) {
    case undefined:
      return { verified: true };
    case 'VER-PRODUCT':
    case 'VER-UNKNOWN':
      return { verified: false, verificationFailureReason: 'No_match_GTIN_Serial' };
    case 'VER-DIFFERS':
      return {
        verified: false,
        verificationFailureReason: refusal?.alias === 'NMVS_FE_LOT_12' ? 'No_match_GTIN_Serial_Expiry' : 'No_match_GTIN_Serial_Lot',
      };
    default:
      return { verified: false, verificationFailureReason: 'Not_for_re-distribution' };
  }
}

const isReason = (text: string | null): text is Reason => (REASONS as readonly (string | null)[]).includes(text);
const pickEnd = ({ time, site }: Ended) => ({ time, site });

const CONTEXT = ['https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld', { lotlinePacks: PACKS_NAMESPACE }];
const atSite = (site: string) => {
  const id = `https://id.gs1.org/414/${site}`;
  return { readPoint: { id }, bizLocation: { id } };
};
const linkOf = (key: string) => toDigitalLink(key) ?? key;

function decommissioning(keys: readonly string[], site: string, reason: Reason): Record<string, unknown> {
  return {
    '@context': CONTEXT,
    type: 'ObjectEvent',
    action: 'DELETE',
    epcList: keys.map(linkOf),
    ...WORDS[reason],
    ...atSite(site),
    'lotlinePacks:reason': reason,
  };
}

function reactivating(key: string, site: string): Record<string, unknown> {
  return {
    '@context': CONTEXT,
    type: 'ObjectEvent',
    action: 'OBSERVE',
    epcList: [linkOf(key)],
    bizStep: REACTIVATING,
    disposition: 'active',
    ...atSite(site),
  };
}
