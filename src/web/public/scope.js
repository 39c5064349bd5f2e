/** From a raw lot, a lot or a thing to its packs: how many, where, seen or inferred, and every serial to take away. */
import { ask, send } from './api.js';
import { count, counted, fill, h, moment, problem, save, say, table, thingLink } from './dom.js';
import { party } from './thing.js';

const BARS_SHOWN = 12;

export function showScope(of, times) {
  const place = h('div', { class: 'answer' });
  void fill(
    place,
    'where its packs are',
    () => ask('genealogy/scope', { of, ...times }),
    (answer) => draw(of, times, answer),
  );
  return place;
}

function draw(of, times, { asOf, complete, boundaries, lots, packs }) {
  if (packs.total === 0 && complete) return h('p', { class: 'none' }, 'No event tells of a pack made of it or inside it.');
  const names = new Map(packs.byHolder.flatMap((row) => (row.holder && row.name ? [[row.holder.replace('414/', ''), row.name]] : [])));
  const statuses = packs.byStatus.map((row) => ({ name: row.status ?? 'no status', count: row.count }));
  const places = packs.byLocation.map((row) => ({ name: party(row.location, names), count: row.count, hint: row.location }));
  const holders = packs.byHolder.map((row) => ({ ...row, name: row.name ?? party(row.holder), hint: row.holder }));
  return [
    h(
      'div',
      { class: 'figures' },
      figure(packs.total, 'packs in scope'),
      figure(packs.observed, 'observed', 'observed'),
      figure(packs.inferred, 'inferred', 'inferred'),
      figure(lots.length, lots.length === 1 ? 'finished lot' : 'finished lots'),
      figure(packs.byHolder.length, packs.byHolder.length === 1 ? 'holder' : 'holders'),
    ),
    h(
      'p',
      { class: complete ? 'verdict-line good' : 'verdict-line warn' },
      complete ? 'Complete as far as events tell' : `Not complete: the trace stopped at ${counted(boundaries.length, 'place')}`,
      '. As known at ',
      moment(asOf.recordTime),
      asOf.eventTime ? [', as happened until ', moment(asOf.eventTime)] : '',
      '.',
    ),
    packs.total > 0 && [
      h(
        'p',
        { class: 'note row' },
        h('span', {}, h('span', { class: 'swatch observed' }), 'observed: its own number was read there'),
        h('span', {}, h('span', { class: 'swatch inferred' }), 'inferred: told by the container it is, or was, inside of'),
      ),
      h(
        'div',
        { class: 'charts' },
        h('div', { class: 'column' }, bars('By status', statuses), bars('By place', places)),
        bars('By holder', holders),
      ),
      download(of, times, packs.total),
    ],
    table({
      caption: 'Lots that have packs',
      file: 'lots.csv',
      rows: lots,
      columns: [
        { title: 'Lot', value: (l) => l.lot, cell: (l) => thingLink(l.key, l.lot) },
        { title: 'Product', value: (l) => l.epcClass, cell: (l) => h('span', { class: 'mono' }, l.epcClass) },
        { title: 'Expiry', value: (l) => l.expiry },
        { title: 'Packs', value: (l) => l.packs, cell: (l) => count(l.packs), number: true },
      ],
    }),
  ]
    .flat()
    .filter(Boolean);
}

const figure = (n, name, kind = '') => h('div', { class: `figure ${kind}` }, h('strong', {}, count(n)), h('span', {}, name));

/** Bars against the largest; where it is known, what was observed and what is inferred are told apart by pattern, not by colour alone. */
function bars(title, rows) {
  const most = Math.max(...rows.map((row) => row.count), 1);
  const part = (n, kind) => n > 0 && h('span', { class: `part ${kind}`, style: { width: `${(n / most) * 100}%` } });
  const line = (row) =>
    h(
      'li',
      { title: row.hint ?? null },
      h('span', { class: 'name' }, row.name),
      h(
        'span',
        { class: 'track', 'aria-hidden': 'true' },
        row.observed === undefined ? part(row.count, 'plain') : [part(row.observed, 'observed'), part(row.inferred, 'inferred')],
      ),
      h(
        'span',
        { class: 'n' },
        count(row.count),
        row.observed > 0 && h('small', {}, `${count(row.observed)} observed`),
        row.inferred > 0 && h('small', {}, `${count(row.inferred)} inferred`),
      ),
    );
  const rest = rows.slice(BARS_SHOWN);
  return h(
    'section',
    { class: 'chart' },
    h('h2', {}, title),
    h('ul', { class: 'bars' }, rows.slice(0, BARS_SHOWN).map(line)),
    rest.length > 0 && h('details', {}, h('summary', {}, `${count(rest.length)} more`), h('ul', { class: 'bars' }, rest.map(line))),
  );
}

/** Every serial as a file. It is fetched with the key, so it cannot be a plain link. */
function download(of, times, total) {
  const state = h('span', { class: 'note', role: 'status' });
  const get = (type, ending) => async () => {
    try {
      state.replaceChildren('Fetching…');
      const query = new URLSearchParams({ of, ...times });
      const response = await send(`/api/v1/genealogy/scope/packs?${query}`, { headers: { accept: type } });
      const chunks = [];
      let bytes = 0;
      for (let reader = response.body.getReader(), read = await reader.read(); !read.done; read = await reader.read()) {
        chunks.push(read.value);
        bytes += read.value.length;
        state.textContent = `Fetching… ${count(Math.round(bytes / 1024))} KiB`;
      }
      save(`packs.${ending}`, new Blob(chunks, { type }), type);
      state.textContent = `Saved packs.${ending}, ${count(Math.ceil(bytes / 1024))} KiB`;
      say(state.textContent);
    } catch (error) {
      state.replaceChildren(problem(error));
    }
  };
  return h(
    'p',
    { class: 'row' },
    h('button', { type: 'button', onclick: get('text/csv', 'csv') }, `Download all ${count(total)} serials (CSV)`),
    h('button', { type: 'button', class: 'quiet', onclick: get('application/x-ndjson', 'ndjson') }, 'as NDJSON'),
    state,
  );
}
