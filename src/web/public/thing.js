/** What a thing is now, and what happened to it. */
import { ask } from './api.js';
import { counted, fill, h, loading, moment, ownPart, table, thingLink } from './dom.js';
import { evidence } from './proof.js';

const CHAIN_MAX = 12; // containers asked for one after the other

const KINDS = {
  sgtin: 'Serialised item (SGTIN)',
  lgtin: 'Lot (LGTIN)',
  gtin: 'Product (GTIN)',
  sscc: 'Logistic unit (SSCC)',
  grai: 'Returnable asset (GRAI)',
  giai: 'Individual asset (GIAI)',
};

/** Names of parties and places as answers give them, by GLN. */
export function namesIn(answer) {
  return new Map(Object.entries(answer.names ?? {}).map(([key, name]) => [key.slice(4), name]));
}

export function showThing(thing, times) {
  const names = namesIn(thing);
  const findings = thing.findings ?? [];
  const chain = h('span', {}, thing.parent ? loading('containers') : h('span', { class: 'none' }, 'in no container'));
  if (thing.parent) void containers(thing, times).then((links) => chain.replaceChildren(...links));
  return h(
    'section',
    { class: 'card now', 'aria-labelledby': 'name' },
    h('p', { class: 'kind' }, KINDS[thing.kind] ?? thing.kind),
    h('h1', { id: 'name' }, thing.name ?? thing.key, thing.name && [' ', h('span', { class: 'own' }, ownPart(thing.key))]),
    h(
      'p',
      { class: 'keys' },
      h('code', {}, thing.key),
      h('button', { type: 'button', class: 'quiet', onclick: (click) => copy(click, thing.key) }, 'Copy'),
    ),
    h(
      'p',
      { class: 'standing' },
      h('strong', { class: `status ${(thing.status ?? 'untold').toLowerCase()}` }, thing.status ?? 'No status told'),
      thing.observed !== null && h('span', { class: thing.observed ? 'observed' : 'inferred' }, thing.observed ? 'observed' : 'inferred'),
      thing.observed !== null &&
        h(
          'span',
          { class: 'why' },
          thing.observed ? 'its own number was read where it last was' : 'told by its container; its own number was not read there',
        ),
    ),
    h(
      'dl',
      { class: 'facts' },
      fact('Holder', party(thing.holder, names)),
      fact('Owner', party(thing.owner, names)),
      fact('Place', party(thing.location, names)),
      fact('Container', chain),
      fact('Lot', thing.lot ?? '', true),
      fact('Expiry', thing.expiry ?? '', true),
      fact('Disposition', words(thing.disposition) ?? ''),
      fact('Last event', thing.lastEventTime ? moment(thing.lastEventTime) : thing.lastEvent ? h('code', {}, thing.lastEvent) : ''),
    ),
    findings.length > 0 &&
      h(
        'div',
        { class: 'flags' },
        h('h2', {}, counted(findings.length, 'open finding')),
        h(
          'ul',
          {},
          findings.map((f) =>
            h('li', {}, h('span', { class: `severity ${f.severity}` }, f.severity), h('code', {}, f.code), ` ${f.message}`),
          ),
        ),
      ),
  );
}

function fact(name, value, mono = false) {
  const shown = value === '' ? h('span', { class: 'none' }, 'none') : mono ? h('span', { class: 'mono' }, value) : value;
  return h('div', {}, h('dt', {}, name), h('dd', {}, shown));
}

/** A party or place by its key; GLNs stand in the form that people know. */
export function party(key, names = null) {
  if (!key) return h('span', { class: 'none' }, 'not told');
  const gln = /^41[47]\/(\d{13})(?:\/254\/(.+))?$/.exec(key);
  const name = gln && names?.get(gln[1]);
  if (name) return h('span', { title: key }, name, gln[2] && gln[2] !== '0' ? ` · ${gln[2]}` : '');
  if (!gln) return h('span', { class: 'mono' }, key);
  return h('span', {}, 'GLN ', h('span', { class: 'mono' }, gln[1]), gln[2] && gln[2] !== '0' ? [' · ', gln[2]] : '');
}

/** From the innermost container to the outermost. */
async function containers(thing, times) {
  const links = [thingLink(thing.parent)];
  let inner = thing.parent;
  try {
    for (let i = 0; i < CHAIN_MAX && inner && inner !== thing.top; i++) {
      inner = (await ask(`things/${encodeURIComponent(inner)}`, times)).parent;
      if (inner) links.push(' in ', thingLink(inner));
    }
  } catch {
    if (thing.top && thing.top !== thing.parent) links.push(' … in ', thingLink(thing.top));
  }
  return links;
}

async function copy(click, text) {
  await navigator.clipboard?.writeText(text);
  click.target.textContent = 'Copied';
}

const WHY = ['own', 'inside', 'lineage'];
const LINES_SHOWN = 300;

/** History as a timeline: own events, those of containers while it was inside, and those of what it was made from. */
export function showHistory(of, times) {
  const place = h('div', { class: 'answer' });
  const shown = new Set(WHY);
  void fill(
    place,
    'its history',
    () => ask(`things/${encodeURIComponent(of)}/history`, { ...times, lineage: true }),
    ({ entries, names }) => {
      const known = namesIn({ names });
      const list = h('ol', { class: 'timeline' });
      const note = h('p', { class: 'note' });
      const draw = () => {
        const lines = entries.filter((entry) => shown.has(entry.why));
        list.replaceChildren(...lines.slice(0, LINES_SHOWN).map((entry) => line(entry, known)));
        note.textContent = lines.length > LINES_SHOWN ? `The first ${LINES_SHOWN} of ${lines.length} events are shown.` : '';
      };
      draw();
      const boxes = WHY.map((why) => {
        const n = entries.filter((entry) => entry.why === why).length;
        const box = h('input', {
          type: 'checkbox',
          checked: true,
          disabled: n === 0,
          onchange: () => {
            if (box.checked) shown.add(why);
            else shown.delete(why);
            draw();
          },
        });
        return h('label', { class: `why-${why}` }, box, ` ${why} ${n}`);
      });
      if (entries.length === 0) return h('p', { class: 'none' }, 'Nothing had happened to it.');
      return [
        h('p', { class: 'row legend' }, boxes),
        h('p', { class: 'note' }, 'own: it was named itself. inside: its container was named. lineage: what it was made from.'),
        list,
        note,
      ];
    },
  );
  return place;
}

function line(entry, names) {
  const { buttons, place } = evidence(entry.eventID, entry.seq);
  const type = entry.type.replace(/Event$/, '');
  return h(
    'li',
    { class: `why-${entry.why} ${entry.voided ? 'voided' : ''}` },
    h('div', { class: 'when' }, moment(entry.eventTime)),
    h(
      'div',
      { class: 'what' },
      h(
        'p',
        { class: 'step' },
        h('strong', {}, words(entry.bizStep) ?? type),
        h('span', { class: 'type' }, [type, entry.action].filter(Boolean).join(' ')),
        entry.voided && h('span', { class: 'tag bad' }, 'voided'),
        h('span', { class: `tag why-${entry.why}` }, entry.why, entry.via && [' ', thingLink(entry.via)]),
      ),
      h(
        'p',
        { class: 'where' },
        entry.disposition && h('span', {}, words(entry.disposition)),
        (entry.bizLocation ?? entry.readPoint) && party(entry.bizLocation ?? entry.readPoint, names),
        h('span', { class: 'recorded' }, 'recorded ', moment(entry.recordTime)),
        buttons,
      ),
      place,
    ),
  );
}

/** A CBV word as people read it. */
export function words(text) {
  return text ? text.replace(/^.*[/:]/, '').replaceAll('_', ' ') : null;
}

/** What is inside, one level; each line opens its own. */
export function showContents(of, times) {
  const place = h('div', { class: 'answer' });
  void fill(
    place,
    'its contents',
    () => ask(`things/${encodeURIComponent(of)}/contents`, { ...times, depth: 1 }),
    ({ members, count: n }) =>
      n === 0
        ? h('p', { class: 'none' }, 'Nothing is inside it.')
        : table({
            caption: `${counted(n, 'thing')} inside`,
            file: 'contents.csv',
            rows: members,
            columns: [
              { title: 'Thing', value: (m) => m.key, cell: (m) => thingLink(m.key) },
              { title: 'Quantity', value: (m) => m.quantity ?? null, number: true },
            ],
          }),
  );
  return place;
}
