import type { Identity, Signature, Vault } from '../access/index.ts';
import type { Asked, KeptChange } from '../capture/service.ts';
import { LotlineError } from '../errors.ts';
import type { Act, ActKind } from '../identity/acts.ts';
import type { ChainView } from '../identity/view.ts';
import { STEPS } from '../identity/vocabulary.ts';
import { type CoiAct, type CoiPerson, type CoiSignature, type CoiStep, type CoiWorld, coiOffset } from '../worlds/index.ts';

/** Where a COI world is played: what of a service it takes. */
export type Stage = {
  record(command: Asked | KeptChange): Promise<unknown>;
  /** Captures a document, and answers when it is folded. */
  capture(text: string): Promise<void>;
  readonly vault: Vault;
  chain(chain: string): Promise<ChainView | null>;
  /** A call of the interface: its status, and the code of its problem. Left out where there is no interface. */
  call?(method: 'POST', path: string, body: object): Promise<{ status: number; code: string | null }>;
};

/** What was refused, and with which code: of acts by their ids, of calls by their paths. */
export type Played = {
  readonly refused: { readonly id: string; readonly code: string }[];
  /** The world's references of people → the vault's. */
  readonly refs: ReadonlyMap<string, string>;
};

const REFERENCE = /\b[pd]r_[a-z2-7]{26}\b/g;
/** Until when everybody in a made-up world is qualified. */
const QUALIFIED_UNTIL = '2099-12-31';
const QUALIFICATIONS = STEPS.map((step) => ({ step, until: QUALIFIED_UNTIL }));

/**
 * Plays a COI world into a service, the ordinary way but for signing: its people have no secrets, so that their signatures go on record as the world
 * has them, instead of by a token each. Every act is decided on like any other; one that is refused and should not be stops the play.
 */
export async function playCoiWorld(
  stage: Stage,
  world: CoiWorld,
  watch: { signal?: AbortSignal; onStep?: (done: number, of: number) => void } = {},
): Promise<Played> {
  const people = new Map(world.people.map((person) => [person.id, person]));
  for (const { id, login, name, roles, sites } of world.people)
    await stage.record({ kind: 'put-person', id, login, name, roles, sites, qualifications: QUALIFICATIONS });
  const identities = new Map(world.identities.map((one) => [one.ref, one]));
  const refs = new Map<string, string>();
  const refused: { id: string; code: string }[] = [];
  const play = new Play(stage, people, refs);
  for (const [i, step] of world.steps.entries()) {
    if (watch.signal?.aborted) break;
    if ('document' in step) await stage.capture(play.named(step.document.text));
    else if ('call' in step) {
      const { method, path, body } = step.call;
      const answer = await stage.call?.(method, path, JSON.parse(play.named(JSON.stringify(body))) as object);
      if (answer !== undefined) refused.push({ id: path, code: answer.code ?? String(answer.status) });
    } else if ('attempt' in step) {
      const { code, ...act } = step.attempt;
      refused.push({ id: act.id, code: (await play.attempt(act, step.at)) ?? `not refused, but should be: ${code}` });
    } else if ('lift' in step) await play.lift(step);
    else {
      const ref = introduced(step.act);
      const person = ref === null ? undefined : identities.get(ref);
      const sealed = person === undefined ? null : stage.vault.seal(person.kind, person.identity as Identity);
      if (ref !== null && sealed !== null) refs.set(ref, sealed.ref);
      await play.act(step.act, step.at, sealed?.kept ?? []);
    }
    watch.onStep?.(i + 1, world.steps.length);
  }
  return { refused, refs };
}

/** Whom an act brings in. */
function introduced({ kind, body }: CoiAct): string | null {
  if (kind === 'patient') return body['patientRef'] as string;
  return kind === 'donor' ? (body['donorRef'] as string) : null;
}

class Play {
  private readonly stage: Stage;
  private readonly people: ReadonlyMap<string, CoiPerson>;
  private readonly refs: ReadonlyMap<string, string>;
  /** Of orders. */
  private readonly patients = new Map<string, string>();

  constructor(stage: Stage, people: ReadonlyMap<string, CoiPerson>, refs: ReadonlyMap<string, string>) {
    this.stage = stage;
    this.people = people;
    this.refs = refs;
  }

  /** Text with people as the vault calls them. */
  named(text: string): string {
    return text.replace(REFERENCE, (ref) => this.refs.get(ref) ?? ref);
  }

  async act({ kind, id, body, signatures }: CoiAct, at: number, kept: readonly KeptChange[] = []): Promise<void> {
    const told = JSON.parse(this.named(JSON.stringify(body))) as Record<string, unknown>;
    if (kind === 'order') this.patients.set(told['orderId'] as string, told['patientRef'] as string);
    const all = [...kept, ...(kind === 'check' ? await this.commit(told) : [])];
    await this.stage.record({
      kind: 'identity-act',
      id,
      act: kind as ActKind,
      body: told as unknown as Act,
      time: at,
      signatures: signatures.map((one, i) => this.signature(id, one, i)),
      live: { kept: all },
    });
  }

  /** The code with which it was refused; null: it was not. */
  async attempt(act: CoiAct, at: number): Promise<string | null> {
    try {
      await this.act(act, at);
      return null;
    } catch (error) {
      if (error instanceof LotlineError) return error.code;
      throw error;
    }
  }

  /** Everything that is held of a chain for a code is let go. */
  async lift({ at, lift }: Extract<CoiStep, { lift: unknown }>): Promise<void> {
    const view = await this.stage.chain(lift.chain);
    const holds = (view?.holds ?? []).filter((hold) => hold.lifted === null && hold.codes.includes(lift.code));
    for (const [i, { id: holdId }] of holds.entries())
      await this.act(
        { kind: 'hold-lift', id: `${lift.id}${i === 0 ? '' : i}`, body: { holdId, reason: lift.reason }, signatures: lift.signatures },
        at + i,
      );
  }

  /** What was read of a person becomes commitments; their salts are kept with the check. */
  private async commit(body: Record<string, unknown>): Promise<KeptChange[]> {
    const kept: KeptChange[] = [];
    const ref = this.patients.get(body['orderId'] as string);
    for (const read of body['reads'] as { identifier: string; value: string }[]) {
      if (!read.value.startsWith('@') || ref === undefined) continue;
      const { [read.identifier === 'patientName' ? 'name' : read.identifier]: value } = await this.stage.vault.read(ref);
      const commitment = await this.stage.vault.commit(ref, read.identifier, value ?? '');
      read.value = commitment.commitment;
      kept.push(...commitment.kept);
    }
    return kept;
  }

  private signature(act: string, { person: id, meaning, reason, at }: CoiSignature, i: number): Signature {
    const { name, roles, sites, zone } = this.people.get(id) as CoiPerson;
    return {
      id: `sg_${act.slice(3)}${i}`,
      person: id,
      name,
      roles,
      sites,
      qualifications: QUALIFICATIONS,
      meaning,
      reason,
      at,
      offset: coiOffset(zone, at),
      session: `ls_${id.slice(3)}`,
    };
  }
}
