/**
 * Elements and texts. Everything that came from outside becomes a text node or an attribute: nothing here is ever parsed as HTML.
 */
const SVG = 'http://www.w3.org/2000/svg';

/** An HTML element: `on…` members are listeners, false, null and undefined ones are left out; children are nodes, texts and lists of them. */
export function h(tag, attributes = {}, ...children) {
  return put(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return put(document.createElementNS(SVG, tag), attributes, children);
}

function put(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'style') for (const [property, text] of Object.entries(value)) element.style.setProperty(property, text);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Tells people who do not see the page what has just changed. */
export function say(text) {
  document.querySelector('#said').textContent = text;
}

const numbers = new Intl.NumberFormat('en');
export const count = (n) => numbers.format(n);
export const counted = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

/** A quantity with its unit of UNECE Recommendation 20, as people write the common ones. */
export function amount(quantity, uom) {
  const unit = { KGM: 'kg', GRM: 'g', MGM: 'mg', LTR: 'l', MLT: 'ml', MTR: 'm', C62: 'pcs' }[uom] ?? uom ?? '';
  return `${count(quantity)}${unit ? ` ${unit}` : ''}`;
}

/** A moment in this browser's zone, with the exact text behind it. */
export function moment(iso) {
  if (!iso) return h('span', { class: 'none' }, 'none');
  const date = new Date(iso);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const text = Number.isNaN(date.getTime()) ? iso : date.toLocaleString('sv-SE').slice(0, 19);
  return h('time', { datetime: iso, title: `${iso} (shown in ${zone})` }, text);
}

/** The lot or serial of a key, as it was written. */
export const ownPart = (key) => decodeURIComponent(/\/(?:10|21)\/([^/]+)$/.exec(key)?.[1] ?? '');

/** A key that leads to its thing; the times in force go with it. */
export function thingLink(key, text = key) {
  return key ? h('a', { class: 'key', href: linkTo(key) }, text) : h('span', { class: 'none' }, 'none');
}

/** The page's own address of a thing. What is asked for stands behind the #, which no server or log gets to see. */
export function linkTo(key, view = 'thing') {
  const now = new URLSearchParams(location.hash.split('?')[1] ?? '');
  const next = new URLSearchParams({ of: key });
  for (const name of ['at', 'known']) if (now.get(name)) next.set(name, now.get(name));
  return `#/${view}?${next}`;
}

/** What an unfinished answer looks like. */
export function loading(what) {
  return h('p', { class: 'loading', role: 'status' }, `Loading ${what}`);
}

/** A problem answer, whole: what, where, how to mend it, and the code to ask others about. */
export function problem(error) {
  const { title, code, at, fix, status } = error.problem ?? { title: error.message };
  return h(
    'div',
    { class: 'problem', role: 'alert' },
    h('p', { class: 'what' }, title || 'That did not work'),
    fix && h('p', {}, fix),
    h('p', { class: 'codes' }, [code, at && `at ${at}`, status && `HTTP ${status}`].filter(Boolean).join(' · ')),
  );
}

/** Fills `place` with the answer of `ask`, with its loading and error states; an answer that was overtaken is dropped. */
export async function fill(place, what, ask, show) {
  const turn = Symbol(what);
  place.turn = turn;
  place.replaceChildren(loading(what));
  place.setAttribute('aria-busy', 'true');
  try {
    const answer = await ask();
    const shown = await show(answer);
    if (place.turn === turn) place.replaceChildren(...[shown].flat());
  } catch (error) {
    if (place.turn === turn) place.replaceChildren(problem(error));
  } finally {
    if (place.turn === turn) place.removeAttribute('aria-busy');
  }
}

const ROWS_SHOWN = 500;

/**
 * A table that sorts by any column: `columns` are {title, value(row), cell?(row), number?}; `below(row)` fills the width under a row. Of long
 * lists the first rows are drawn, and the download has them all.
 */
export function table({ caption, columns, rows, file, below }) {
  let sorted = { by: -1, down: false };
  const body = h('tbody');
  const heads = columns.map((column, i) =>
    h('th', { scope: 'col', class: column.number && 'number' }, h('button', { type: 'button', onclick: () => sort(i) }, column.title)),
  );
  const note = h(
    'p',
    { class: 'note', hidden: rows.length <= ROWS_SHOWN },
    `The first ${ROWS_SHOWN} of ${count(rows.length)} rows are shown.`,
  );

  function sort(i) {
    sorted = { by: i, down: sorted.by === i ? !sorted.down : columns[i].number === true };
    for (const [n, head] of heads.entries()) {
      if (n === i) head.setAttribute('aria-sort', sorted.down ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    }
    draw();
  }
  function draw() {
    const { by, down } = sorted;
    const list = by < 0 ? rows : [...rows].sort((a, b) => compare(columns[by].value(a), columns[by].value(b), down));
    body.replaceChildren(
      ...list.slice(0, ROWS_SHOWN).flatMap((row) => {
        const cells = columns.map((c) => h('td', { class: c.number && 'number' }, c.cell ? c.cell(row) : (c.value(row) ?? '')));
        const line = h('tr', {}, cells);
        return below ? [line, h('tr', { class: 'below' }, h('td', { colspan: columns.length }, below(row)))] : [line];
      }),
    );
  }
  draw();
  return h(
    'div',
    { class: 'tabled' },
    h(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
      h('table', {}, h('caption', {}, caption), h('thead', {}, h('tr', {}, heads)), body),
    ),
    note,
    file &&
      rows.length > 0 &&
      h(
        'button',
        { type: 'button', class: 'quiet', onclick: () => save(file, csv(columns, rows), 'text/csv') },
        'Download this table (CSV)',
      ),
  );
}

/** What has no value comes last, whichever way the column is sorted. */
function compare(a, b, down) {
  const [none, other] = [a ?? '', b ?? ''].map((value) => value === '');
  if (none || other) return Number(none) - Number(other);
  const order = typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true });
  return down ? -order : order;
}

/** RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe (domain.md §11.4). */
function csv(columns, rows) {
  const cell = (value) => {
    const text = value === null || value === undefined ? '' : String(value);
    const safe = typeof value === 'string' && /^[=+\-@]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [columns.map((c) => cell(c.title)), ...rows.map((row) => columns.map((c) => cell(c.value(row))))]
    .map((line) => line.join(','))
    .join('\r\n');
}

/** Hands a file to the browser. */
export function save(name, content, type) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
