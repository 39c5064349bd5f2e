import { createRequire } from 'node:module';
import type { Drawing, Mark } from './drawing.ts';
import { FONT_FILES } from './font.ts';
import { patternOf } from './pattern.ts';

const require = createRequire(import.meta.url);
/** Loaded with the first document: it takes a while. */
const pdfkit = () => require('pdfkit') as typeof import('pdfkit');

const POINTS = 72 / 25.4;
/** The same labels are the same bytes, whenever they are made. */
const NO_DATE = new Date(0);
/** So many bytes are handed on together. */
const CHUNK_BYTES = 64 * 1024;
/** No pairs are kerned and no letters joined: texts are as wide as they were measured. */
const FEATURES = { kern: false, liga: false, clig: false, calt: false } as unknown as [];

/** A page a drawing, as large as the label; made as it is taken, a page at a time. */
export function* pdfOf(drawings: Iterable<Drawing>): Generator<Buffer> {
  const Document = pdfkit();
  const document = new Document({
    autoFirstPage: false,
    margin: 0,
    info: { CreationDate: NO_DATE, Producer: 'lotline', Creator: 'lotline' },
  });
  for (const [face, file] of Object.entries(FONT_FILES)) document.registerFont(face, file);
  for (const { width, height, marks } of drawings) {
    document.addPage({ size: [width * POINTS, height * POINTS], margin: 0 });
    for (const mark of marks) draw(document, mark);
    if (document.readableLength >= CHUNK_BYTES) yield document.read() as Buffer;
  }
  document.end();
  for (let chunk = document.read() as Buffer | null; chunk !== null; chunk = document.read() as Buffer | null) yield chunk;
}

function draw(document: PDFKit.PDFDocument, mark: Mark): void {
  switch (mark.kind) {
    case 'text':
      document.font(mark.face).fontSize(mark.size * POINTS);
      document.text(mark.text, mark.x * POINTS, mark.y * POINTS, { lineBreak: false, baseline: 'alphabetic', features: FEATURES });
      return;
    case 'box': {
      const { x, y, width, height, line } = mark;
      document.rect(x * POINTS, y * POINTS, width * POINTS, height * POINTS);
      if (line !== null) document.rect((x + line) * POINTS, (y + line) * POINTS, (width - 2 * line) * POINTS, (height - 2 * line) * POINTS);
      document.fill('even-odd');
      return;
    }
    case 'symbol': {
      const module = mark.module * POINTS;
      for (const run of patternOf(mark.symbol).dark)
        document.rect(
          mark.x * POINTS + run.x * module,
          mark.y * POINTS + run.y * module,
          run.width * module,
          mark.height === null ? module : mark.height * POINTS,
        );
      document.fill(); // one path: nothing shows between its parts
    }
  }
}
