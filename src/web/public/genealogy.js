/** Where-from and where-used: the drawing, what is behind each box, and the same as a table. */
import { ask } from './api.js';
import { amount, count, counted, fill, h, linkTo, ownPart, svg, table, thingLink } from './dom.js';
import { BOX, layOut } from './layout.js';
import { evidence } from './proof.js';

/** A wide drawing shrinks to fit, down to this; then it scrolls. */
const SMALLEST = 0.68;

const BOUNDARY = {
  origin: 'came in from outside',
  unknown: 'appears only as an input: where it came from is not known',
  redacted: 'not for your eyes',
  limit: 'the trace stopped here because of its size',
};

export function showGenealogy(of, direction, times) {
  const place = h('div', { class: 'answer' });
  void fill(
    place,
    direction === 'from' ? 'where it came from' : 'what it became',
    () => ask(`genealogy/where-${direction}`, { of, ...times }),
    (answer) => draw(answer),
  );
  return place;
}

function draw(answer) {
  const { nodes, edges, boundaries, complete, direction } = answer;
  if (edges.length === 0)
    return h(
      'p',
      { class: 'none' },
      direction === 'from' ? 'No event tells what it was made from.' : 'No event tells of anything made from it.',
    );
  const start = nodes.find((node) => node.depth === 0)?.key;
  const ends = new Map(boundaries.map((boundary) => [boundary.key, boundary]));
  const opened = new Set();
  const closed = new Set();
  const stage = h('div', { class: 'stage', tabindex: '0', role: 'region', 'aria-label': 'Genealogy, suppliers left, packs right' });
  const detail = h(
    'div',
    { class: 'detail', 'aria-live': 'polite' },
    h('p', { class: 'note' }, 'Choose a box to see what stands behind it.'),
  );
  const toggle = (group, open) => {
    (open ? opened : closed).add(group);
    (open ? closed : opened).delete(group);
    paint();
  };
  const paint = () => stage.replaceChildren(drawing({ ...layOut({ nodes, edges, start, opened, closed }), start, ends, choose }));
  const choose = (box) => {
    for (const element of stage.querySelectorAll('.box')) element.classList.toggle('chosen', element.dataset.id === box.id);
    detail.replaceChildren(...behind(box, answer, ends, toggle));
  };
  paint();
  return [
    h(
      'p',
      { class: complete ? 'verdict-line good' : 'verdict-line warn' },
      complete
        ? direction === 'from'
          ? 'Complete: every trace ends at a known origin.'
          : 'Complete: nothing cut the trace short.'
        : `Not complete: ${counted(boundaries.filter((b) => b.kind !== 'origin').length, 'trace')} end${boundaries.filter((b) => b.kind !== 'origin').length === 1 ? 's' : ''} where nothing more is known.`,
      ` ${counted(nodes.length, 'node')}, ${counted(edges.length, 'edge')}. Full mixing is assumed, which is the safe answer.`,
    ),
    stage,
    detail,
    table({
      caption: 'The same as a table',
      file: `where-${direction}.csv`,
      rows: nodes,
      columns: [
        { title: 'Steps', value: (n) => n.depth, number: true },
        { title: 'Name', value: (n) => n.label },
        { title: 'Key', value: (n) => n.key, cell: (n) => thingLink(n.key) },
        { title: 'Kind', value: (n) => n.kind },
        {
          title: 'Quantity',
          value: (n) => n.quantity ?? null,
          cell: (n) => (n.quantity === undefined ? '' : amount(n.quantity, n.uom)),
          number: true,
        },
        { title: 'Packs', value: (n) => n.packs ?? null, cell: (n) => (n.packs === undefined ? '' : count(n.packs)), number: true },
        { title: 'Ends here', value: (n) => ends.get(n.key)?.kind ?? '' },
      ],
    }),
  ];
}

function drawing({ boxes, lines, width, height, start, ends, choose }) {
  const at = new Map(boxes.map((box) => [box.id, box]));
  const paths = lines.map((line) => {
    const [a, b] = [at.get(line.from), at.get(line.to)];
    const [x1, y1, x2, y2] = [a.x + BOX.width, a.y + BOX.height / 2, b.x, b.y + BOX.height / 2];
    const bend = Math.max(BOX.gapX / 2, (x2 - x1) / 2);
    const element = svg(
      'path',
      { class: 'edge', d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` },
      svg('title', {}, edgeTitle(line.edges)),
    );
    return { ...line, element };
  });
  const [before, after] = [new Map(), new Map()];
  for (const { from, to } of lines) {
    after.set(from, [...(after.get(from) ?? []), to]);
    before.set(to, [...(before.get(to) ?? []), from]);
  }
  const shapes = boxes.map((box) => ({ box, element: shape(box) }));

  function shape(box) {
    const [node] = box.nodes;
    const many = box.nodes.length > 1;
    const end = many ? (box.nodes.some((n) => ends.get(n.key)?.kind === 'unknown') ? 'unknown' : undefined) : ends.get(node.key)?.kind;
    const title = many ? productName(box.nodes) : node.label;
    const own = many ? '' : ownPart(node.key);
    const made = box.packs > 0 ? counted(box.packs, 'pack') : !many && node.quantity !== undefined && amount(node.quantity, node.uom);
    const text =
      [many ? counted(box.nodes.length, /\/10\//.test(node.key) ? 'lot' : 'node') : own, made].filter(Boolean).join(' · ') || node.kind;
    const name = own && title.endsWith(` ${own}`) ? title.slice(0, -own.length - 1) : title;
    const [first, second] = twoLines(name);
    const open = () => choose(box);
    return svg(
      'g',
      {
        class: ['box', many && 'many', node.key === start && !many && 'start', end && `end-${end}`, box.packs > 0 && 'packs']
          .filter(Boolean)
          .join(' '),
        'data-id': box.id,
        transform: `translate(${box.x} ${box.y})`,
        tabindex: '0',
        role: 'button',
        'aria-label': `${title}, ${text}${end ? `, ${BOUNDARY[end]}` : ''}`,
        onclick: open,
        onkeydown: (press) => {
          if (press.key !== 'Enter' && press.key !== ' ') return;
          press.preventDefault();
          open();
        },
        onpointerenter: () => light(box.id),
        onpointerleave: () => light(null),
        onfocus: () => light(box.id),
        onblur: () => light(null),
      },
      many && svg('rect', { class: 'behind', x: 5, y: 5, width: BOX.width, height: BOX.height, rx: 8 }),
      svg('rect', { width: BOX.width, height: BOX.height, rx: 8 }),
      svg('text', { class: 'title', x: 12, y: second ? 20 : 27 }, first),
      second && svg('text', { class: 'title', x: 12, y: 35 }, second),
      svg('text', { class: 'count', x: 12, y: second ? 52 : 46 }, cut(text, 24)),
      svg('title', {}, title),
    );
  }

  /** Lights the whole way through a box: everything that leads to it and everything it leads to. */
  function light(id) {
    const on = new Set(id === null ? [] : [...reach(id, after), ...reach(id, before)]);
    for (const { box, element } of shapes) element.classList.toggle('dim', id !== null && !on.has(box.id));
    for (const { from, to, element } of paths) element.classList.toggle('lit', on.has(from) && on.has(to));
  }
  function reach(id, near) {
    const found = new Set([id]);
    for (const one of found) for (const other of near.get(one) ?? []) found.add(other);
    return found;
  }

  return svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, width, height, class: 'genealogy', style: { 'min-width': `${Math.round(width * SMALLEST)}px` } },
    paths.map((path) => path.element),
    shapes.map((s) => s.element),
  );
}

const LINE = 19;

/** A name over two lines of a box. */
function twoLines(text) {
  if (text.length <= LINE) return [text];
  const at = text.lastIndexOf(' ', LINE);
  return at <= 0 ? [cut(text, LINE)] : [text.slice(0, at), cut(text.slice(at + 1), LINE)];
}

const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function edgeTitle(edges) {
  const [edge] = edges;
  if (edges.length > 1) return counted(edges.length, 'edge');
  return `${edge.role}${edge.quantity === undefined ? '' : ` ${amount(edge.quantity, edge.uom)}`}`;
}

/** What the nodes of a group have in common in their names. */
function productName(nodes) {
  const [first, ...rest] = nodes.map((node) => node.label.split(' '));
  const shared = first.findIndex((word, i) => rest.some((other) => other[i] !== word));
  return first.slice(0, shared < 0 ? first.length : shared).join(' ') || nodes[0].label;
}

function behind(box, { edges }, ends, toggle) {
  if (box.nodes.length > 1)
    return [
      h(
        'h3',
        {},
        `${productName(box.nodes)}: ${counted(box.nodes.length, 'node')}${box.packs > 0 ? `, ${counted(box.packs, 'pack')}` : ''}`,
      ),
      !box.id.endsWith('|rest') &&
        h('p', { class: 'row' }, h('button', { type: 'button', onclick: () => toggle(box.group, true) }, 'Show each')),
      h(
        'p',
        { class: 'keylist' },
        box.nodes.slice(0, 40).map((node) => [thingLink(node.key, node.label), ' ']),
      ),
      box.nodes.length > 40 && h('p', { class: 'note' }, 'The table below has all of them.'),
    ].filter(Boolean);
  const [node] = box.nodes;
  const end = ends.get(node.key);
  const events = new Map();
  for (const edge of edges)
    if (edge.event && (edge.to === node.key || edge.from === node.key)) {
      const line = events.get(edge.event) ?? { made: false, used: false };
      if (edge.to === node.key) line.made = true;
      else line.used = true;
      events.set(edge.event, line);
    }
  if (end?.event && !events.has(end.event)) events.set(end.event, { came: true });
  const shown = [...events].slice(0, 20);
  return [
    h('h3', {}, node.label),
    h('p', { class: 'keys' }, h('code', {}, node.key)),
    end && h('p', { class: `note end-${end.kind}` }, `Ends here: ${BOUNDARY[end.kind]}.`),
    h(
      'p',
      { class: 'row' },
      h('a', { class: 'button', href: linkTo(node.key) }, 'Open it'),
      h('a', { class: 'button', href: linkTo(node.key, 'scope') }, 'Its packs'),
      h('button', { type: 'button', class: 'quiet', onclick: () => toggle(box.group, false) }, 'Fold its product'),
    ),
    h(
      'ul',
      { class: 'events' },
      shown.map(([event, { made, came }]) => {
        const { buttons, place } = evidence(event);
        return h(
          'li',
          {},
          h(
            'span',
            { class: 'mono small' },
            `${came ? 'came in' : made ? 'made' : 'used'} by ${event.length > 48 ? `${event.slice(0, 40)}…` : event}`,
          ),
          buttons,
          place,
        );
      }),
    ),
    events.size > shown.length && h('p', { class: 'note' }, `${events.size - shown.length} more events.`),
  ].filter(Boolean);
}
