import { createRequire } from 'node:module';
import type { ChainReport } from './chain-report.ts';

const require = createRequire(import.meta.url);
/** Loaded with the first report: it takes a while. */
const pdfkit = () => require('pdfkit') as typeof import('pdfkit');
const FACES = {
  regular: require.resolve('dejavu-fonts-ttf/ttf/DejaVuSansCondensed.ttf'),
  bold: require.resolve('dejavu-fonts-ttf/ttf/DejaVuSansCondensed-Bold.ttf'),
} as const;

/** A4 in points. */
const PAGE = { width: 595.28, height: 841.89, left: 44, right: 44, top: 56, bottom: 56 } as const;
const WIDTH = PAGE.width - PAGE.left - PAGE.right;
const INK = '#1b2733';
const SOFT = '#5b6b7a';
const RULE = '#c9d2da';
const BAD = '#a4161a';
const GOOD = '#1d6f42';

type Cell = string | { readonly text: string; readonly tone: 'good' | 'bad' };
type Column = { readonly title: string /** Of the width of the page. */; readonly share: number };

/** The report on paper (domain.md §11.3): page numbers, what it is about and when it was made on every page. The same report is the same bytes. */
export async function reportPdf(report: ChainReport): Promise<Buffer> {
  const paper = new Paper(report);
  cover(paper, report);
  const { sections } = report;
  strip(paper, sections.strip);
  paper.heading('Checkpoints');
  paper.table(
    [col('Step', 20), col('Attempt', 10), col('State', 15), col('Checks', 55)],
    sections.checkpoints.map(({ step, attempt, state, checks }) => [
      step,
      `${attempt ?? ''}`,
      toned(state, state === 'passed', state !== 'open'),
      checks.join(', '),
    ]),
    'The template of this order has no checkpoints, or no order has this chain.',
  );
  paper.heading('Identity checks');
  paper.table(
    [col('When (UTC)', 15), col('Step', 10), col('Result', 8), col('Who', 19), col('Compared', 28), col('Things', 20)],
    sections.checks.map((check) => [
      short(check.at) + (check.offline ? ' offline' : ''),
      check.step,
      toned(check.result, check.result === 'pass', true),
      check.who.join(', '),
      check.compared.join('; '),
      check.things.map(tail).join(', '),
    ]),
    'None.',
  );
  paper.heading('Chain of custody');
  paper.table(
    [col('When (UTC)', 15), col('From', 17), col('To', 17), col('Place', 15), col('Seals', 12), col('Continuous', 24)],
    sections.custody.map(({ at, giver, receiver, place, seals, gap }) => [
      short(at),
      giver,
      receiver,
      place,
      seals.join(', '),
      toned(gap ?? 'yes', gap === null, true),
    ]),
    'No hand-over is on record.',
  );
  paper.heading('Containers and what became of them');
  paper.table(
    [col('Container', 40), col('Kind', 11), col('Volume', 11), col('Made (UTC)', 15), col('End', 23)],
    sections.containers.map(({ key, kind, volume, made, end, endAt, rebound }) => [
      key + (rebound ? ' (rebound)' : ''),
      kind,
      volume ?? '',
      made === null ? '' : short(made),
      end === null ? toned('still there', false, false) : `${end}${endAt === null ? '' : ` ${short(endAt)}`}`,
    ]),
    'None.',
  );
  paper.heading('Labels');
  paper.table(
    [col('Print job', 32), col('Printed', 9), col('Accounted for', 44), col('State', 15)],
    sections.labels.map(({ jobId, printed, counts, state }) => [
      jobId,
      `${printed}`,
      counts ?? 'not closed',
      toned(state, state === 'reconciled', state !== 'open'),
    ]),
    'None were printed.',
  );
  paper.heading('Results');
  paper.table(
    [col('When (UTC)', 15), col('Sample', 29), col('Test', 18), col('Value', 13), col('Limits', 12), col('Verdict', 13)],
    sections.results.map(({ at, sample, test, value, limits, verdict }) => [
      short(at),
      tail(sample),
      test,
      value,
      limits,
      toned(verdict, verdict === 'pass', true),
    ]),
    'None.',
  );
  paper.heading('Temperature');
  paper.table(
    [col('Shipment', 27), col('Stage', 12), col('Limits °C', 12), col('From, to (UTC)', 25), col('Readings', 10), col('Seen °C', 14)],
    sections.shipments.map(({ shipper, stage, limits, from, to, readings, min, max, excursions, gaps, accepted }) => [
      tail(shipper),
      stage,
      `${limits.low} to ${limits.high}`,
      [from, to].map((one) => (one === null ? '' : short(one))).join(', '),
      `${readings}`,
      toned(min === null || max === null ? 'unknown' : `${min} to ${max}`, excursions + gaps === 0, !accepted),
    ]),
    'No logger told anything of a shipment.',
  );
  paper.table(
    [col('Finding', 15), col('Entry', 10), col('Things', 75)],
    sections.temperature.map(({ code, seq, things }) => [toned(code, false, true), `${seq}`, things.join(', ')]),
    'No excursion and no gap in the data of any shipment.',
  );
  if (sections.stability.length > 0)
    paper.table(
      [col('Out of limits', 50), col('Last at', 15), col('Minutes', 10), col('Allowed', 10), col('Left', 15)],
      sections.stability.map(({ thing, stage, minutesOut, allowed, remaining }) => [
        thing,
        stage,
        `${minutesOut}`,
        `${allowed}`,
        toned(`${remaining}`, remaining > 0, true),
      ]),
      '',
    );
  paper.heading('Findings and holds');
  paper.table(
    [col('Finding', 22), col('Entry', 10), col('Things', 68)],
    sections.findings.map(({ code, seq, things }) => [toned(code, false, true), `${seq}`, things.join(', ')]),
    'No finding.',
  );
  if (sections.holds.length > 0)
    paper.table(
      [col('Hold', 45), col('Reason', 40), col('State', 15)],
      sections.holds.map(({ id, reason, lifted }) => [id, reason, toned(lifted ? 'lifted' : 'in force', lifted, true)]),
      '',
    );
  paper.heading('Signatures');
  paper.table(
    [col('Entry', 8), col('Signature', 92)],
    sections.signatures.map(({ seq, text }) => [`${seq}`, text]),
    'None.',
  );
  paper.heading('Timeline');
  paper.table(
    [col('When (UTC)', 15), col('Entry', 7), col('What', 18), col('Step', 12), col('Result', 16), col('Things', 32)],
    sections.timeline.map((line) => [
      short(line.eventTime) + (line.correctedTime === undefined ? '' : ` (really ${short(line.correctedTime)})`),
      `${line.seq}`,
      line.kind === 'finding' ? { text: line.code ?? 'finding', tone: 'bad' } : line.kind + (line.offline === true ? ', offline' : ''),
      line.step ?? '',
      (line.result ?? '').replace(/^urn:lotline:identity:bizStep:/, ''),
      line.things.map(tail).join(', '),
    ]),
    'Nothing.',
  );
  log(paper, report);
  paper.heading('Attachments: entries as they were stored, by SHA-256');
  paper.table(
    [col('Attachment', 16), col('Bytes', 10), col('SHA-256', 74)],
    report.attachments.map(({ name, bytes, sha256 }) => [name, `${bytes}`, sha256]),
    'None.',
  );
  return await paper.end();
}

const col = (title: string, share: number): Column => ({ title, share });
const short = (iso: string) => iso.slice(0, 16).replace('T', ' ');
/** The telling end of a key. */
const tail = (key: string) => {
  const own = key.replace(/^urn:lotline:isbt128:/, '');
  return own.length <= 30 ? own : `…${own.slice(-29)}`;
};
const toned = (text: string, good: boolean, matters: boolean): Cell => (matters || good ? { text, tone: good ? 'good' : 'bad' } : text);

function cover(paper: Paper, { sections, question, scope, asOf, sources }: ChainReport): void {
  const { subject, summary } = sections;
  paper.title('Chain of identity and custody', subject.coiId);
  paper.pairs([
    ['Question', question],
    ['Scope', scope],
    ['Made', `${asOf.made} from a log of ${asOf.entries} entries`],
    ['Patient', subject.patientRef === null ? 'none' : `${subject.patientRef} (pseudonym)`],
    ['Order', subject.orderId ?? 'none'],
    ['Product', subject.product ?? 'none'],
    ['Workflow', subject.template ?? 'none'],
    ['State', subject.state ?? 'none'],
    ['Collection site', subject.collectionSite ?? 'none'],
    ['Manufacturer', subject.manufacturer ?? 'none'],
    ['Treatment site', subject.treatmentSite ?? 'none'],
    [
      'In it',
      `${summary.events} events, ${summary.acts} acts, ${summary.containers} containers, ${summary.checksPassed} checks passed and ${summary.checksFailed} failed`,
    ],
    ['Open', `${summary.findings} findings, ${summary.holds} holds in force`],
  ]);
  paper.heading('Sources and when they were last heard');
  paper.table(
    [col('Source', 50), col('Entries', 15), col('Last (UTC)', 35)],
    sources.map(({ source, entries, last }) => [source, `${entries}`, last]),
    'None.',
  );
}

/** A bar from vein to vein; each state as wide as its share of the time, and never so narrow that it is not seen. */
function strip(paper: Paper, states: ChainReport['sections']['strip']): void {
  paper.heading('Vein to vein');
  if (states.length === 0) {
    paper.note('No state is on record.');
    return;
  }
  paper.strip(states);
  paper.table(
    [col('State', 40), col('Since (UTC)', 40), col('Entry', 20)],
    states.map(({ state, at, seq }) => [state, short(at), `${seq}`]),
    '',
  );
}

function log(paper: Paper, { log: head, unsigned }: ChainReport): void {
  paper.heading('The log, and how to check this');
  if (head === null) {
    paper.note('No checkpoint has been signed yet: nothing of this can be proven.');
    return;
  }
  paper.pairs([
    ['Origin', head.origin],
    ['Size', `${head.size} entries`],
    ['Root', head.rootHash],
    ['Signed', head.signedAt ?? ''],
    ['Key', head.key],
  ]);
  paper.note(
    `Fetch the same report as JSON (format=json) and run: lotline verify-report <file> --key '<the key of the log, as you know it from elsewhere>'. It checks that every entry named stands in the log under this root, that every line follows from those entries, and nothing else is needed, no server either.${unsigned.length === 0 ? '' : ` Entries ${unsigned.join(', ')} are newer than the checkpoint.`}`,
  );
}

class Paper {
  private readonly document: PDFKit.PDFDocument;
  private readonly chunks: Buffer[] = [];
  private readonly ended: Promise<void>;
  private readonly report: ChainReport;
  private y: number = PAGE.top;

  constructor(report: ChainReport) {
    this.report = report;
    const Document = pdfkit();
    this.document = new Document({
      size: 'A4',
      margin: 0,
      bufferPages: true,
      lang: 'en',
      info: {
        Title: `Chain of identity ${report.sections.subject.coiId}`,
        Producer: 'lotline',
        Creator: 'lotline',
        CreationDate: new Date(report.asOf.made),
      },
    });
    for (const [face, file] of Object.entries(FACES)) this.document.registerFont(face, file);
    this.document.on('data', (chunk: Buffer) => this.chunks.push(chunk));
    this.ended = new Promise((resolve) => this.document.once('end', () => resolve()));
  }

  title(kind: string, name: string): void {
    this.text(kind, { size: 11, color: SOFT });
    this.text(name, { size: 24, face: 'bold' });
    this.y += 8;
  }

  heading(text: string): void {
    // A heading stands with at least its first rows.
    this.room(64);
    this.y += 14;
    this.text(text, { size: 12.5, face: 'bold' });
    this.y += 3;
  }

  note(text: string): void {
    this.text(text, { size: 8.5, color: SOFT });
  }

  pairs(pairs: readonly (readonly [string, string])[]): void {
    for (const [name, value] of pairs) {
      const height = this.height(value, WIDTH - 100, 9, 'regular');
      this.room(height + 3);
      this.at(name, PAGE.left, this.y, { size: 9, color: SOFT, width: 96 });
      this.at(value, PAGE.left + 100, this.y, { size: 9, width: WIDTH - 100 });
      this.y += height + 3;
    }
  }

  table(columns: readonly Column[], rows: readonly (readonly Cell[])[], none: string): void {
    if (rows.length === 0) {
      if (none !== '') this.note(none);
      return;
    }
    const widths = columns.map(({ share }) => (WIDTH * share) / 100);
    const head = () => {
      this.row(
        columns.map(({ title }) => title),
        widths,
        { face: 'bold', color: SOFT },
      );
      this.line(INK);
    };
    head();
    for (const cells of rows) {
      const height = Math.max(...cells.map((cell, i) => this.height(textOf(cell), (widths[i] as number) - 6, 8, 'regular')));
      if (this.y + height + 4 > PAGE.height - PAGE.bottom) {
        this.page();
        head();
      }
      this.row(cells, widths, {});
      this.line(RULE);
    }
    this.y += 4;
  }

  strip(states: readonly { readonly state: string; readonly at: string }[]): void {
    this.room(46);
    const times = states.map(({ at }) => Date.parse(at));
    const [first, last] = [times[0] as number, times.at(-1) as number];
    const least = 8;
    const free = WIDTH - least * states.length;
    const spans = times.map((time, i) => (times[i + 1] ?? last) - time);
    let x: number = PAGE.left;
    const shades = ['#274c77', '#3a6ea5', '#6096ba', '#8bb3cf'];
    states.forEach(({ state }, i) => {
      const width = least + (last === first ? free / states.length : (free * (spans[i] as number)) / (last - first));
      this.document.rect(x, this.y, width - 1, 16).fill(shades[i % shades.length] as string);
      if (width > 6 + this.document.font('regular').fontSize(6.5).widthOfString(state))
        this.at(state, x + 3, this.y + 4.5, { size: 6.5, color: '#ffffff', width: width - 4 });
      x += width;
    });
    this.y += 20;
    this.at(short(states[0]?.at ?? ''), PAGE.left, this.y, { size: 7.5, color: SOFT, width: 200 });
    this.at(
      `${short(states.at(-1)?.at ?? '')} (${Math.round((last - first) / 3_600_000 / 2.4) / 10} days)`,
      PAGE.left + WIDTH - 200,
      this.y,
      { size: 7.5, color: SOFT, width: 200, align: 'right' },
    );
    this.y += 14;
  }

  async end(): Promise<Buffer> {
    const { start, count } = this.document.bufferedPageRange();
    const { subject } = this.report.sections;
    for (let i = 0; i < count; i++) {
      this.document.switchToPage(start + i);
      const y = PAGE.height - 36;
      this.document
        .moveTo(PAGE.left, y - 6)
        .lineTo(PAGE.left + WIDTH, y - 6)
        .lineWidth(0.5)
        .stroke(RULE);
      this.at(`${subject.coiId} · made ${this.report.asOf.made} · log of ${this.report.asOf.entries} entries`, PAGE.left, y, {
        size: 7.5,
        color: SOFT,
        width: WIDTH - 80,
      });
      this.at(`Page ${i + 1} of ${count}`, PAGE.left + WIDTH - 80, y, { size: 7.5, color: SOFT, width: 80, align: 'right' });
    }
    this.document.end();
    await this.ended;
    return Buffer.concat(this.chunks);
  }

  private row(cells: readonly Cell[], widths: readonly number[], style: { face?: 'bold'; color?: string }): void {
    let x: number = PAGE.left;
    let height = 0;
    cells.forEach((cell, i) => {
      const width = widths[i] as number;
      const text = textOf(cell);
      const tone = typeof cell === 'string' ? null : cell.tone;
      const color = tone === null ? (style.color ?? INK) : tone === 'good' ? GOOD : BAD;
      this.at(text, x, this.y, { size: 8, width: width - 6, color, ...(style.face && { face: style.face }) });
      height = Math.max(height, this.height(text, width - 6, 8, style.face ?? 'regular'));
      x += width;
    });
    this.y += height + 2;
  }

  private line(color: string): void {
    this.document
      .moveTo(PAGE.left, this.y)
      .lineTo(PAGE.left + WIDTH, this.y)
      .lineWidth(0.4)
      .stroke(color);
    this.y += 2;
  }

  private text(text: string, style: { size: number; face?: 'bold'; color?: string }): void {
    const height = this.height(text, WIDTH, style.size, style.face ?? 'regular');
    this.room(height);
    this.at(text, PAGE.left, this.y, { ...style, width: WIDTH });
    this.y += height + 2;
  }

  private at(
    text: string,
    x: number,
    y: number,
    style: { size: number; width: number; face?: 'bold'; color?: string; align?: 'right' },
  ): void {
    this.document
      .font(style.face ?? 'regular')
      .fontSize(style.size)
      .fillColor(style.color ?? INK);
    this.document.text(breakable(text), x, y, { width: style.width, ...(style.align && { align: style.align }) });
  }

  private height(text: string, width: number, size: number, face: 'regular' | 'bold'): number {
    return this.document
      .font(face)
      .fontSize(size)
      .heightOfString(text === '' ? ' ' : breakable(text), { width });
  }

  private room(height: number): void {
    if (this.y + height > PAGE.height - PAGE.bottom) this.page();
  }

  private page(): void {
    this.document.addPage({ size: 'A4', margin: 0 });
    this.y = PAGE.top;
  }
}

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text);

/** Keys have no blanks: they may be broken behind what divides their parts. */
const breakable = (text: string): string => text.replace(/([:/_.-])(?=[^\s])/g, '$1\u200b');
