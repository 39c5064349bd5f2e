/** The exception list: what does not agree, how bad it is, and until when somebody should look. */
import { getPage } from './api.js';
import { fill, h, moment, problem, table, thingLink } from './dom.js';
import { evidence } from './proof.js';

const PER_PAGE = 100;
const THINGS_SHOWN = 3;
const ORDER = ['patient-safety', 'critical', 'major', 'warning', 'info'];

/** Findings of everything, or of one thing. */
export function showFindings({ thing = null } = {}) {
  const place = h('div', { class: 'answer' });
  const choice = h(
    'select',
    { id: 'state', onchange: () => load() },
    h('option', { value: 'open' }, 'open'),
    h('option', { value: 'closed' }, 'closed'),
    h('option', { value: '' }, 'all'),
  );
  const load = () =>
    fill(
      place,
      'findings',
      () => getPage(address(choice.value, thing)),
      ({ page, next }) => list(page.findings, next),
    );
  void load();
  return [h('p', { class: 'row' }, h('label', { for: 'state' }, 'State '), choice), place];
}

function address(state, thing) {
  const query = new URLSearchParams({ perPage: String(PER_PAGE) });
  if (state) query.set('state', state);
  if (thing) query.set('thing', thing);
  return `/api/v1/findings?${query}`;
}

function list(findings, next) {
  if (findings.length === 0) return h('p', { class: 'none' }, 'No such finding.');
  const rows = [...findings];
  const shown = new Map();
  const evidenceOf = ({ id, events: [event] }) => {
    if (event && !shown.has(id)) shown.set(id, evidence(event));
    return shown.get(id);
  };
  const place = h('div');
  const draw = () =>
    place.replaceChildren(
      table({
        caption: `${rows.length} findings, the newest first`,
        file: 'findings.csv',
        rows,
        below: (f) => evidenceOf(f)?.place,
        columns: [
          {
            title: 'Severity',
            value: (f) => ORDER.indexOf(f.severity),
            cell: (f) => h('span', { class: `severity ${f.severity}` }, f.severity),
          },
          { title: 'Finding', value: (f) => f.code, cell: (f) => [h('code', {}, f.code), h('small', {}, f.message)] },
          { title: 'Things', value: (f) => f.things.join(' '), cell: things },
          { title: 'State', value: (f) => f.state, cell: (f) => [f.state, f.resolution ? h('small', {}, f.resolution.note) : ''] },
          { title: 'Due', value: (f) => f.due, cell: (f) => (f.due ? moment(f.due) : '') },
          { title: 'Opened', value: (f) => f.opened, cell: (f) => moment(f.opened) },
          { title: 'Event', value: (f) => f.events.join(' '), cell: (f) => evidenceOf(f)?.buttons ?? '' },
        ],
      }),
    );
  draw();
  const more = h(
    'button',
    {
      type: 'button',
      onclick: async () => {
        more.disabled = true;
        try {
          const answer = await getPage(next);
          rows.push(...answer.page.findings);
          next = answer.next;
          draw();
          if (next === null) more.remove();
          else more.disabled = false;
        } catch (error) {
          more.replaceWith(problem(error));
        }
      },
    },
    'More',
  );
  return [place, next && more].filter(Boolean);
}

function things(finding) {
  const links = (keys) =>
    h(
      'ul',
      { class: 'plain' },
      keys.map((key) => h('li', {}, thingLink(key))),
    );
  const [shown, rest] = [finding.things.slice(0, THINGS_SHOWN), finding.things.slice(THINGS_SHOWN)];
  return [links(shown), rest.length > 0 && h('details', {}, h('summary', {}, `${rest.length} more`), links(rest))].filter(Boolean);
}
