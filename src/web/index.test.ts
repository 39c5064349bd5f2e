import fc from 'fast-check';
import { type FastifyInstance, fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { webPages } from './index.ts';

describe('the page’s files', () => {
  let app: FastifyInstance;
  beforeAll(async () => {
    app = fastify();
    await app.register(webPages());
  });
  afterAll(async () => await app.close());

  it('come with a policy that lets nothing foreign run, and no inline script', async () => {
    const { body, headers } = await app.inject('/');
    const policy = headers['content-security-policy'] as string;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(body).not.toMatch(/<script(?![^>]*\bsrc=")|\son\w+=|\sstyle=|https?:\/\//);
  });

  it('name only files that are there', async () => {
    const seen = new Set<string>();
    const queue = ['/'];
    for (const url of queue) {
      if (seen.has(url)) continue;
      seen.add(url);
      const { statusCode, body } = await app.inject(url);
      expect([url, statusCode]).toEqual([url, 200]);
      if (url.endsWith('verifier.js')) continue; // minified: nothing in it is a name of ours
      for (const [, name] of body.matchAll(/"(\/assets\/[\w.]+)"/g)) queue.push(name as string);
      for (const [, name] of body.matchAll(/'\.\/([\w]+\.js)'/g)) queue.push(`/assets/${name}`);
    }
    expect(seen).toContain('/assets/verifier.js');
    expect(seen.size).toBeGreaterThan(8);
  });

  it('are not sent again while they are the same', async () => {
    const { headers } = await app.inject('/assets/style.css');
    const again = await app.inject({ url: '/assets/style.css', headers: { 'if-none-match': headers.etag as string } });
    expect([again.statusCode, again.body]).toEqual([304, '']);
  });

  it.each(['/assets/none.js', '/assets/..%2Findex.ts', '/assets/%2Fetc%2Fpasswd'])('hold nothing under %s', async (url) => {
    expect((await app.inject(url)).statusCode).toBe(404);
  });
});

type Node = { key: string; packs?: number };
type Box = { id: string; column: number; nodes: Node[]; packs: number; x: number; y: number };
type Edge = { from: string; to: string };
type Layout = {
  columnsOf: (nodes: readonly Node[], edges: readonly Edge[]) => Map<string, number>;
  layOut: (graph: { nodes: readonly Node[]; edges: readonly Edge[]; start: string; opened?: Set<string> }) => {
    boxes: Box[];
    lines: (Edge & { edges: Edge[] })[];
  };
};

describe('the drawing of a genealogy', async () => {
  const { columnsOf, layOut } = (await import(new URL('./public/layout.js', import.meta.url).href)) as Layout;
  const graphs = fc.integer({ min: 1, max: 40 }).chain((size) =>
    fc.record({
      size: fc.constant(size),
      pairs: fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 120 }),
    }),
  );
  const nodesOf = (size: number) => Array.from({ length: size }, (_, i) => ({ key: `01/${i % 7}/10/${i}`, packs: i }));

  it('puts what was made to the right of what it was made from', () => {
    fc.assert(
      fc.property(graphs, ({ size, pairs }) => {
        const nodes = nodesOf(size);
        const edges = pairs.filter(([a, b]) => a < b).map(([a, b]) => ({ from: nodes[a]!.key, to: nodes[b]!.key }));
        const column = columnsOf(nodes, edges);
        for (const { from, to } of edges) expect(column.get(to)).toBeGreaterThan(column.get(from) as number);
      }),
    );
  });

  it('ends on rework loops, shows every node once, and loses no line between boxes', () => {
    fc.assert(
      fc.property(graphs, ({ size, pairs }) => {
        const nodes = nodesOf(size);
        const edges = pairs.map(([a, b]) => ({ from: nodes[a]!.key, to: nodes[b]!.key }));
        const { boxes, lines } = layOut({ nodes, edges, start: nodes[0]!.key });
        expect(boxes.flatMap((box) => box.nodes.map((node) => node.key)).sort()).toEqual(nodes.map((node) => node.key).sort());
        const home = new Map(boxes.flatMap((box) => box.nodes.map((node) => [node.key, box.id] as const)));
        const between = edges.filter(({ from, to }) => home.get(from) !== home.get(to));
        expect(lines.reduce((n, line) => n + line.edges.length, 0)).toBe(between.length);
        expect(new Set(boxes.map((box) => `${box.x}/${box.y}`)).size).toBe(boxes.length);
      }),
    );
  });

  it('folds a crowded column by product, counts its packs, and opens it on demand', () => {
    const lots = Array.from({ length: 30 }, (_, i) => ({ key: `01/P/10/${i}`, packs: 10 }));
    const nodes = [{ key: '01/R/10/1' }, ...lots];
    const edges = lots.map((lot) => ({ from: '01/R/10/1', to: lot.key }));
    const folded = layOut({ nodes, edges, start: '01/R/10/1' });
    expect(folded.boxes.map((box) => [box.nodes.length, box.packs])).toEqual([
      [1, 0],
      [30, 300],
    ]);
    const opened = layOut({ nodes, edges, start: '01/R/10/1', opened: new Set(['1|01/P']) });
    expect(opened.boxes).toHaveLength(31);
  });
});
