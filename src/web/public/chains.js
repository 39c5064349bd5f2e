/**
 * Chains of identity: vein to vein on a strip, everything that happened with its entry and proof, and the orders by state. What is linked to a patient
 * is read for a purpose: the reader chooses it, and it is kept for this tab alone.
 */
import { send } from './api.js';
import { count, counted, fill, h, moment, save, svg, table, thingLink } from './dom.js';
import { evidence } from './proof.js';
import { words } from './thing.js';

const PURPOSE = 'lotline.purpose';
const PURPOSES = ['treatment', 'manufacture', 'quality', 'traceability', 'privacy'];
const HOUR_MS = 3_600_000;

const purpose = () => sessionStorage.getItem(PURPOSE);

/** An answer about a chain, asked for with the reader's purpose. */
async function askFor(path) {
  const response = await send(`/api/v1/identity/${path}`, { headers: { accept: 'application/json', 'x-purpose': purpose() ?? '' } });
  return await response.json();
}

/** Lets the reader say what for; nothing is asked before. */
function purposeChoice(go) {
  const box = h(
    'select',
    {
      id: 'purpose',
      onchange: () => {
        if (box.value) sessionStorage.setItem(PURPOSE, box.value);
        else sessionStorage.removeItem(PURPOSE);
        go();
      },
    },
    h('option', { value: '' }, 'choose …'),
    PURPOSES.map((name) => h('option', { value: name, selected: name === purpose() }, name)),
  );
  return h(
    'p',
    { class: 'row' },
    h('label', { for: 'purpose' }, 'I read this for '),
    box,
    h('span', { class: 'note' }, 'Every read is on record, with its purpose.'),
  );
}

function withPurpose(what, ask, show) {
  const place = h('div', { class: 'answer' });
  const load = () => {
    if (purpose() === null) place.replaceChildren(h('p', { class: 'none' }, 'Choose a purpose first.'));
    else void fill(place, what, ask, show);
  };
  load();
  return [purposeChoice(load), place];
}

export const linkToChain = (coiId) => `#/chain?${new URLSearchParams({ of: coiId })}`;

// ------------------------------------------------------------------------------------------------ one chain

export function showChain(coiId) {
  return withPurpose(
    'the chain',
    () => askFor(`chains/${encodeURIComponent(coiId)}`),
    (chain) => [
      head(chain),
      strip(chain.view.order),
      h(
        'div',
        { class: 'pair' },
        h('section', {}, h('h2', {}, 'Holds'), holds(chain.holds)),
        h('section', {}, h('h2', {}, 'Findings'), findings(chain)),
      ),
      h('h2', {}, 'Checkpoints'),
      checkpoints(chain.view.checkpoints),
      h('h2', {}, 'Containers'),
      containers(chain.view.containers),
      h('h2', {}, 'Timeline'),
      timeline(chain),
    ],
  );
}

function head({ coiId, orderId, state, view }) {
  const report = (format, type) => async () => {
    const response = await send(`/api/v1/identity/chains/${encodeURIComponent(coiId)}/report?format=${format}`, {
      headers: { 'x-purpose': purpose() ?? '' },
    });
    save(`${coiId}.${format}`, new Blob([await response.arrayBuffer()], { type }), type);
  };
  const fact = (name, value) => value && [h('dt', {}, name), h('dd', {}, value)];
  return h(
    'div',
    {},
    h(
      'dl',
      { class: 'facts' },
      fact('State', state && h('span', { class: 'tag' }, state)),
      fact('Order', orderId && h('code', {}, orderId)),
      fact('Patient', view.order && h('code', {}, view.order.patientRef)),
      fact('Product', view.order?.product),
      fact('Next check', view.order?.nextCheckpoint),
    ),
    h(
      'p',
      { class: 'row' },
      h('button', { type: 'button', class: 'quiet', onclick: report('pdf', 'application/pdf') }, 'Report (PDF)'),
      h('button', { type: 'button', class: 'quiet', onclick: report('json', 'application/json') }, 'Report (JSON, verifiable)'),
    ),
  );
}

/** Each state as wide as the time in it; the present one to the end. */
function strip(order) {
  if (!order || order.stages.length === 0)
    return h('p', { class: 'none' }, 'No order has this chain, so there is no way from vein to vein to show.');
  const { stages } = order;
  const first = stages[0].at;
  const last = stages.at(-1).at;
  const [width, least] = [1_000, 14];
  const free = width - least * stages.length;
  let x = 0;
  const boxes = stages.map((stage, i) => {
    const span = (stages[i + 1]?.at ?? last) - stage.at;
    const own = least + (last === first ? free / stages.length : (free * span) / (last - first));
    const box = svg(
      'g',
      { transform: `translate(${x.toFixed(1)} 0)` },
      svg('title', {}, `${stage.state} since ${new Date(stage.at).toISOString()}, ${Math.round(span / HOUR_MS)} h`),
      svg('rect', { width: Math.max(own - 2, 2).toFixed(1), height: 34, rx: 3, class: `stage ${i % 2 === 0 ? 'even' : 'odd'}` }),
      own > 7 * stage.state.length + 10 && svg('text', { x: 6, y: 22 }, stage.state),
    );
    x += own;
    return box;
  });
  const { from, to } = order.veinToVein;
  const clock =
    from === null
      ? 'Nothing was collected yet'
      : `${Math.round(((to ?? Date.now()) - from) / HOUR_MS / 2.4) / 10} days from the collection ${to === null ? 'until now' : 'to the infusion'}`;
  return h(
    'figure',
    { class: 'veins' },
    svg(
      'svg',
      { viewBox: `0 0 ${width} 34`, role: 'img', 'aria-label': `Vein to vein: ${stages.map(({ state }) => state).join(', ')}` },
      boxes,
    ),
    h('figcaption', { class: 'note' }, clock, ' · ', moment(new Date(first).toISOString()), ' to ', moment(new Date(last).toISOString())),
  );
}

function holds(list) {
  if (list.length === 0) return h('p', { class: 'none' }, 'Nothing is held.');
  return h(
    'ul',
    { class: 'plain' },
    list.map(({ reason, codes }) =>
      h('li', {}, h('span', { class: 'tag bad' }, 'held'), ' ', codes.join(', '), ' ', reason !== codes[0] && h('small', {}, reason)),
    ),
  );
}

function findings({ findings: list }) {
  if (list.length === 0) return h('p', { class: 'none' }, 'No finding.');
  return h(
    'ul',
    { class: 'plain' },
    list.map(({ code, seq, things }) =>
      h(
        'li',
        {},
        h('code', { class: 'bad' }, code),
        ` at entry ${count(seq)} `,
        things.slice(0, 3).map((key) => [thingLink(key, short(key)), ' ']),
      ),
    ),
  );
}

function checkpoints(list) {
  if (list.length === 0) return h('p', { class: 'none' }, 'No template asks for any.');
  const tone = { passed: 'good', missing: 'bad', failed: 'bad', late: 'bad' };
  return h(
    'p',
    { class: 'row checkpoints' },
    list.map(({ step, state, attempt }) =>
      h('span', { class: `tag ${tone[state] ?? ''}`, title: attempt ? `attempt ${attempt}` : null }, `${step}: ${state}`),
    ),
  );
}

function containers(list) {
  if (list.length === 0) return h('p', { class: 'none' }, 'None.');
  return table({
    caption: counted(list.length, 'container'),
    file: 'containers.csv',
    rows: list,
    columns: [
      {
        title: 'Container',
        value: (one) => one.key,
        cell: (one) => [thingLink(one.key, short(one.key)), one.rebound && h('span', { class: 'tag bad' }, 'rebound')],
      },
      { title: 'Kind', value: (one) => one.kind },
      { title: 'Volume', value: (one) => (one.volume ? `${one.volume.value} ${one.volume.uom}` : '') },
      {
        title: 'Made',
        value: (one) => one.made?.time ?? null,
        cell: (one) => (one.made ? moment(new Date(one.made.time).toISOString()) : ''),
      },
      { title: 'End', value: (one) => one.end?.kind ?? '', cell: (one) => one.end?.kind ?? h('span', { class: 'none' }, 'still there') },
    ],
  });
}

function timeline({ coiId, timeline: lines }) {
  let report = null;
  // The stored bytes of an act stand in the report; it is fetched once, when somebody wants to see one.
  const record = async (seq) => {
    report ??= askFor(`chains/${encodeURIComponent(coiId)}/report`);
    const entry = (await report).entries.find((one) => one.seq === seq);
    if (entry === undefined) return { note: 'No checkpoint commits to this entry yet.' };
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(entry.body), (c) => c.charCodeAt(0))));
  };
  return h(
    'ol',
    { class: 'timeline' },
    lines.map((line) => timeLine(line, record)),
  );
}

function timeLine(line, record) {
  const { buttons, place } =
    line.kind === 'event' ? evidence(line.id, line.seq) : evidence(String(line.seq), line.seq, () => record(line.seq));
  const bad = line.kind === 'finding' || line.result === 'fail' || line.result === 'oos';
  return h(
    'li',
    { class: bad ? 'bad' : line.kind === 'event' ? 'why-lineage' : '', 'data-kind': line.kind },
    h('div', { class: 'when' }, moment(line.eventTime), line.correctedTime && h('small', {}, 'really ', moment(line.correctedTime))),
    h(
      'div',
      { class: 'what' },
      h(
        'p',
        { class: 'step' },
        h('strong', { class: bad ? 'bad' : null }, line.code ?? line.step ?? words(line.result) ?? line.kind),
        h('span', { class: 'type' }, line.kind),
        line.result && line.kind !== 'event' && h('span', { class: `tag ${bad ? 'bad' : ''}` }, line.result),
        line.offline && h('span', { class: 'tag' }, 'offline'),
        line.signatures.length > 0 && h('span', { class: 'type' }, counted(line.signatures.length, 'signature')),
      ),
      h(
        'p',
        { class: 'where' },
        line.things.slice(0, 4).map((key) => thingLink(key, short(key))),
        line.things.length > 4 && `+ ${line.things.length - 4}`,
        h('span', { class: 'recorded' }, 'recorded ', moment(line.recordTime)),
        buttons,
      ),
      place,
    ),
  );
}

const short = (key) => key.replace(/^urn:lotline:isbt128:/, '');

// ------------------------------------------------------------------------------------------------ orders

/** Orders by state, those with something due first. */
export function showOrders() {
  return withPurpose(
    'orders',
    () => askFor('orders?perPage=1000'),
    (answer) => {
      const orders = Array.isArray(answer) ? answer : (answer.orders ?? answer.list ?? []);
      if (orders.length === 0) return h('p', { class: 'none' }, 'There is no order.');
      const states = [...new Set(orders.map(({ state }) => state))];
      return h(
        'div',
        { class: 'board' },
        states.map((state) =>
          column(
            state,
            orders.filter((order) => order.state === state),
          ),
        ),
      );
    },
  );
}

const dueOf = ({ tasks = [] }) =>
  Math.min(...tasks.map(({ due }) => (due === null || due === undefined ? Number.POSITIVE_INFINITY : new Date(due).getTime())));

function column(state, orders) {
  return h(
    'section',
    { class: 'lane' },
    h('h2', {}, state, ' ', h('span', { class: 'note' }, count(orders.length))),
    [...orders].sort((a, b) => dueOf(a) - dueOf(b)).map(card),
  );
}

function card(order) {
  const { coiId, chain, product, nextCheckpoint, tasks = [] } = order;
  const id = coiId ?? chain;
  return h(
    'article',
    { class: 'order' },
    h('a', { class: 'key', href: linkToChain(id) }, id),
    h('p', { class: 'note' }, [product, nextCheckpoint && `next check: ${nextCheckpoint}`].filter(Boolean).join(' · ')),
    tasks.length > 0 &&
      h(
        'ul',
        { class: 'plain' },
        tasks.map(({ task, due }) => {
          const late = due !== null && due !== undefined && new Date(due).getTime() < Date.now();
          return h(
            'li',
            { class: late ? 'bad' : null },
            task,
            due !== null && due !== undefined && [', due ', moment(new Date(due).toISOString())],
          );
        }),
      ),
  );
}
