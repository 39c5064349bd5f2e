import { createHash } from 'node:crypto';
import type { Json } from '../support/events.ts';
import type { Made } from './made-documents.ts';

/** One content that was sent, once or more often, and what was answered. */
export type Sent = {
  readonly made: Made;
  /** SHA-256 of what was sent, hex. */
  readonly digest: string;
  /** Captures that were answered 202; for a bare event, how often it was answered 201. */
  readonly captureIDs: string[];
  answered201: number;
  /** Sendings without an answer: whether they were taken nobody can know. */
  unanswered: number;
};

export type AnsweredCapture = { readonly captureID: string; readonly sent: Sent /** Its job was seen to have ended. */; ended: boolean };
export type GrantedKey = {
  readonly id: string;
  readonly key: string /** Unknown while its ending was not answered. */;
  state: 'granted' | 'unknown' | 'ended';
};

/** What the clients were told, and so will hold the service to. */
export class Memory {
  readonly sent = new Map<string, Sent>();
  readonly captures: AnsweredCapture[] = [];
  readonly keys: GrantedKey[] = [];
  /** Checkpoints as they were answered, by size. */
  readonly checkpoints = new Map<number, string>();
  newestSize = 0;
  /** What must not be, told where it was seen. */
  readonly broken: string[] = [];
  vkey: string | null = null;
  busy = 0;
  /** Questions that were given up after half a minute: a machine with too much to do for what the tests ask. */
  slow = 0;
  requests = 0;
  private readonly storedEvents: Json[] = [];

  send(made: Made): Sent {
    const digest = createHash('sha256').update(made.body).digest('hex');
    let sent = this.sent.get(digest);
    if (sent === undefined) {
      sent = { made, digest, captureIDs: [], answered201: 0, unanswered: 0 };
      this.sent.set(digest, sent);
    }
    return sent;
  }

  taken(sent: Sent, captureID: string): void {
    sent.captureIDs.push(captureID);
    this.captures.push({ captureID, sent, ended: false });
  }

  end(capture: AnsweredCapture, success: boolean): void {
    if (success !== capture.sent.made.success) this.broken.push(`capture ${capture.captureID} ended with success ${success}`);
    if (capture.ended) return;
    capture.ended = true;
    if (success) this.storedEvents.push(...capture.sent.made.events.filter((event) => event['eventID'] && !event['errorDeclaration']));
    this.storedEvents.splice(0, this.storedEvents.length - 500);
  }

  /** An event with an eventID whose capture has ended well. */
  storedEvent(pick: <T>(list: readonly T[]) => T): Json | null {
    return this.storedEvents.length === 0 ? null : pick(this.storedEvents);
  }

  /** One log has one root at one size: whoever was shown two has caught it. Signatures are checked later. */
  checkpoint(note: string): void {
    const size = Number(note.split('\n')[1]);
    const known = this.checkpoints.get(size);
    this.newestSize = Math.max(this.newestSize, size);
    if (known === undefined) this.checkpoints.set(size, note);
    else if (known.split('\n')[2] !== note.split('\n')[2]) this.broken.push(`two roots at size ${size}:\n${known}\n${note}`);
  }
}
