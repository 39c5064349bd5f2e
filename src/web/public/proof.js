/**
 * Proofs, checked in this browser by the project's own verifier: that an event stands in the signed log, and that the log continues the one
 * this browser saw before. The earlier checkpoint is kept here, out of the server's reach; that is what makes a rewritten log show.
 */
import { ask, getJson, send } from './api.js';
import { count, fill, h, moment, save } from './dom.js';

const SEEN = 'lotline.log';

/** What the server says of the log's key, in the C2SP verifier form. */
async function verifierKey() {
  return (await (await send('/ledger/key')).text()).trim();
}

const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
const fromHex = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/** Whether the log of this checkpoint continues the one this browser saw before; remembers it when it does. */
async function compareWithSeen(vkey, checkpoint, verifier) {
  const root = toHex(checkpoint.rootHash);
  const remember = () => localStorage.setItem(SEEN, JSON.stringify({ vkey, size: checkpoint.size, root, when: new Date().toISOString() }));
  const seen = JSON.parse(localStorage.getItem(SEEN) ?? 'null');
  if (seen === null) {
    remember();
    return { good: true, text: 'This browser had not seen the log before. It keeps this checkpoint, and will compare later ones with it.' };
  }
  if (seen.vkey !== vkey) return { good: false, text: 'The log is signed with another key than the one this browser saw before.', seen };
  const [older, newer] = seen.size <= checkpoint.size ? [seen, { size: checkpoint.size, root }] : [{ size: checkpoint.size, root }, seen];
  let hashes = [];
  try {
    if (older.size !== newer.size) ({ hashes } = await ask('ledger/consistency', { from: older.size, to: newer.size }));
  } catch (error) {
    // More than this page was shown may be there by now, but not less than this browser has seen.
    if (seen.size < checkpoint.size || error.problem?.status !== 400) throw error;
    return {
      good: false,
      text: `The log does NOT hold the ${count(seen.size)} entries any more that this browser saw`,
      when: seen.when,
      seen,
    };
  }
  const good = verifier.verifyConsistency(older.size, newer.size, fromHex(older.root), fromHex(newer.root), hashes.map(fromBase64));
  if (good && newer.size === checkpoint.size) remember();
  return good
    ? { good, text: `The log continues the one of ${count(seen.size)} entries that this browser saw`, when: seen.when }
    : { good, text: `The log does NOT continue the one of ${count(seen.size)} entries that this browser saw`, when: seen.when, seen };
}

/** Checks the proof of one event and says, line by line, what was checked. */
async function check(eventID, seq) {
  const [proof, vkey, verifier] = await Promise.all([
    ask('ledger/proof', { event: seq ?? eventID }),
    verifierKey(),
    import('./verifier.js'),
  ]);
  const answer = verifier.verifyProof({ text: proof.text, leaf: new TextEncoder().encode(proof.leaf), vkey });
  const leaf = JSON.parse(proof.leaf);
  const named = (seq === undefined || proof.seq === seq) && (!eventID.startsWith('ni:') || leaf.eventHash === eventID);
  const lines = [
    answer.valid
      ? {
          good: true,
          text: `The entry stands at position ${count(answer.index)} of ${count(answer.checkpoint.size)}: the hashes lead to the signed root`,
        }
      : { good: false, text: answer.reason },
    answer.valid && { good: true, text: `Signed by ${answer.checkpoint.origin}` },
    !named && { good: false, text: 'The proof is of another event than the one asked for' },
    answer.valid && (await compareWithSeen(vkey, answer.checkpoint, verifier)),
  ].filter(Boolean);
  return { proof, leaf, lines, vkey };
}

function showCheck({ proof, leaf, lines, vkey }) {
  const good = lines.every((line) => line.good);
  const changed = lines.some((line) => line.seen);
  return h(
    'div',
    { class: `proof ${good ? 'good' : 'bad'}` },
    h('p', { class: 'verdict' }, good ? 'Verified in this browser' : 'NOT verified'),
    h(
      'ul',
      {},
      lines.map((line) =>
        h(
          'li',
          { class: line.good ? 'good' : 'bad' },
          line.text,
          line.when && [' on ', moment(line.when)],
          line.text.endsWith('.') ? '' : '.',
        ),
      ),
    ),
    h(
      'dl',
      { class: 'facts small' },
      fact('Recorded', moment(leaf.recordTime)),
      fact('By', h('code', {}, leaf.actor)),
      fact('Event hash', h('code', {}, leaf.eventHash ?? 'none')),
      fact('Body SHA-256', h('code', {}, leaf.bodyDigest)),
      fact('Root', h('code', {}, proof.rootHash)),
      fact('Log key', h('code', {}, vkey)),
    ),
    h('p', { class: 'note' }, 'A proof shows that the entry was not changed since; it does not show that what it reports is true.'),
    h(
      'p',
      { class: 'row' },
      h(
        'button',
        { type: 'button', class: 'quiet', onclick: () => save(`entry-${proof.seq}.tlog-proof`, proof.text, 'text/plain') },
        'Save proof file',
      ),
      h(
        'button',
        { type: 'button', class: 'quiet', onclick: () => save(`entry-${proof.seq}.leaf.json`, proof.leaf, 'application/json') },
        'Save entry',
      ),
      changed &&
        h(
          'button',
          {
            type: 'button',
            class: 'quiet',
            onclick: (click) => {
              localStorage.removeItem(SEEN);
              click.target.replaceWith('Forgotten: check again.');
            },
          },
          'Forget the earlier log',
        ),
    ),
  );
}

const fact = (name, value) => [h('dt', {}, name), h('dd', {}, value)];

/** Two buttons for an event, or for the `record` of an act, and the place where they show it and its proof. */
export function evidence(eventID, seq, record = null) {
  const place = h('div', { class: 'evidence', hidden: true });
  let open = null;
  const toggle = (name, what, ask_, show) => (click) => {
    for (const button of click.target.parentElement.children) button.setAttribute('aria-expanded', 'false');
    place.hidden = open === name;
    open = open === name ? null : name;
    if (open === null) return;
    click.target.setAttribute('aria-expanded', 'true');
    void fill(place, what, ask_, show);
  };
  const buttons = h(
    'span',
    { class: 'buttons' },
    h(
      'button',
      {
        type: 'button',
        class: 'quiet',
        'aria-expanded': 'false',
        onclick: toggle('event', 'the event', record ?? (() => getJson(`/epcis/events/${encodeURIComponent(eventID)}`)), showEvent),
      },
      record === null ? 'Event' : 'Record',
    ),
    h(
      'button',
      {
        type: 'button',
        class: 'quiet',
        'aria-expanded': 'false',
        onclick: toggle('proof', 'the proof', () => check(eventID, seq), showCheck),
      },
      'Verify proof',
    ),
  );
  return { buttons, place };
}

/** The event as it was sent; error declarations that speak of it come with it. */
function showEvent(document) {
  const { queryResults } = document.epcisBody ?? {};
  const events = queryResults?.resultsBody.eventList ?? [document];
  const [event] = events;
  const things = (event.epcList ?? event.childEPCs ?? event.outputEPCList ?? []).length;
  return [
    things > 20 && h('p', { class: 'note' }, `It names ${count(things)} things.`),
    h('pre', { class: 'json', tabindex: '0' }, JSON.stringify(events.length > 1 ? events : event, null, 2)),
  ].filter(Boolean);
}
