/**
 * The layered drawing of a genealogy, as numbers only: suppliers left, packs right. Nodes of one column and product are one box until it is
 * opened, so that a thousand lots stay readable.
 */
export const BOX = { width: 172, height: 62, gapX: 52, gapY: 14, margin: 12 };
/** A column with more nodes than this starts with its products folded together. */
export const COLUMN_OPEN_MAX = 10;
/** Boxes of one opened group; the table has them all. */
export const GROUP_SHOWN_MAX = 120;

const SWEEPS = 6;

/** Each node's column: the longest way from a node that nothing leads to. Edges that close a loop (rework) do not count. */
export function columnsOf(nodes, edges) {
  const next = new Map(nodes.map((node) => [node.key, []]));
  for (const edge of edges) if (next.has(edge.from) && next.has(edge.to) && edge.from !== edge.to) next.get(edge.from).push(edge.to);
  const column = new Map(nodes.map((node) => [node.key, 0]));
  for (const key of topological(nodes, next)) {
    for (const to of next.get(key)) if (column.get(to) <= column.get(key) && !closes(next, key, to)) column.set(to, column.get(key) + 1);
  }
  return column;

  function closes(all, from, to) {
    return all.loops?.has(`${from}\n${to}`) ?? false;
  }
}

/** Depth first, without recursion; edges back to a node that is still open are remembered as loops. */
function topological(nodes, next) {
  const order = [];
  const state = new Map();
  next.loops = new Set();
  for (const node of nodes) {
    if (state.has(node.key)) continue;
    const stack = [{ key: node.key, at: 0 }];
    state.set(node.key, 'open');
    while (stack.length > 0) {
      const top = stack.at(-1);
      const to = next.get(top.key)[top.at++];
      if (to === undefined) {
        state.set(top.key, 'done');
        order.push(top.key);
        stack.pop();
      } else if (state.get(to) === 'open') next.loops.add(`${top.key}\n${to}`);
      else if (!state.has(to)) {
        state.set(to, 'open');
        stack.push({ key: to, at: 0 });
      }
    }
  }
  return order.reverse();
}

/** The product of a node: its key without lot and serial. */
export const productOf = (key) => key.replace(/\/(10|21)\/.*$/, '');

/**
 * Boxes with their places, and the lines between them. `opened` holds the ids of groups that are to be shown node by node; `start` is the
 * node asked about, which is never folded away.
 */
export function layOut({ nodes, edges, start, opened = new Set(), closed = new Set() }) {
  const column = columnsOf(nodes, edges);
  const sizes = new Map();
  for (const at of column.values()) sizes.set(at, (sizes.get(at) ?? 0) + 1);

  const boxes = new Map();
  const boxOf = new Map();
  for (const node of nodes) {
    const at = column.get(node.key);
    const group = `${at}|${productOf(node.key)}`;
    const folded = node.key !== start && !opened.has(group) && (sizes.get(at) > COLUMN_OPEN_MAX || closed.has(group));
    const full = (boxes.get(`${group}|n`)?.nodes.length ?? 0) >= GROUP_SHOWN_MAX;
    const id = folded ? group : full ? `${group}|rest` : node.key;
    if (!boxes.has(id)) boxes.set(id, { id, group, column: at, nodes: [], packs: 0 });
    const box = boxes.get(id);
    box.nodes.push(node);
    box.packs += node.packs ?? 0;
    boxOf.set(node.key, id);
    if (!folded && !full) {
      const tally = boxes.get(`${group}|n`) ?? { nodes: [], tally: true };
      tally.nodes.push(node.key);
      boxes.set(`${group}|n`, tally);
    }
  }
  for (const [id, box] of boxes) if (box.tally) boxes.delete(id);

  const lines = new Map();
  for (const edge of edges) {
    const [from, to] = [boxOf.get(edge.from), boxOf.get(edge.to)];
    if (from === undefined || to === undefined || from === to) continue;
    const id = `${from}\n${to}`;
    if (!lines.has(id)) lines.set(id, { from, to, edges: [] });
    lines.get(id).edges.push(edge);
  }
  place([...boxes.values()], [...lines.values()]);
  const width = Math.max(...[...boxes.values()].map((b) => b.x + BOX.width), 0) + BOX.margin;
  const height = Math.max(...[...boxes.values()].map((b) => b.y + BOX.height), 0) + BOX.margin;
  return { boxes: [...boxes.values()], lines: [...lines.values()], width, height };
}

/** Orders each column by the middle of its neighbours, back and forth, and sets the places. */
function place(boxes, lines) {
  const columns = [];
  for (const box of boxes) {
    columns[box.column] ??= [];
    columns[box.column].push(box);
  }
  const filled = columns.filter(Boolean);
  const near = new Map(boxes.map((box) => [box.id, { left: [], right: [] }]));
  for (const { from, to } of lines) {
    near.get(from).right.push(to);
    near.get(to).left.push(from);
  }
  const rank = new Map();
  const number = (list) => {
    for (const [i, box] of list.entries()) rank.set(box.id, (i + 0.5) / list.length);
  };
  for (const list of filled) number(list);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const side = sweep % 2 === 0 ? 'left' : 'right';
    for (const list of sweep % 2 === 0 ? filled : [...filled].reverse()) {
      const middle = new Map(list.map((box) => [box.id, mean(near.get(box.id)[side].map((id) => rank.get(id))) ?? rank.get(box.id)]));
      list.sort((a, b) => middle.get(a.id) - middle.get(b.id));
      number(list);
    }
  }
  const tallest = Math.max(...filled.map((list) => list.length), 1);
  for (const [i, list] of filled.entries()) {
    const spare = ((tallest - list.length) * (BOX.height + BOX.gapY)) / 2;
    for (const [n, box] of list.entries()) {
      box.x = BOX.margin + i * (BOX.width + BOX.gapX);
      box.y = BOX.margin + spare + n * (BOX.height + BOX.gapY);
    }
  }
}

const mean = (list) => (list.length === 0 ? null : list.reduce((a, b) => a + b, 0) / list.length);
