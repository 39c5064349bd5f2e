import { Readable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifySchemaCompiler } from 'fastify';
import { Type } from 'typebox';
import { rolesWith } from '../access/index.ts';
import {
  FORMATS,
  type Format,
  LABEL_SIZES,
  LABELS_MAX,
  LAYOUTS,
  LabelPress,
  type LabelSize,
  type Layout,
  RESOLUTIONS,
  type Resolution,
  SYMBOL_TYPES,
  type SymbolType,
} from '../labels/index.ts';
import { bodyOf } from './bodies.ts';
import { wanted } from './limits.ts';
import { RefusedDocument } from './problems.ts';

const MEDIA: Readonly<Record<Format, string>> = {
  svg: 'image/svg+xml; charset=utf-8',
  png: 'image/png',
  pdf: 'application/pdf',
  zpl: 'application/zpl; charset=utf-8',
};
/** Ten thousand labels with long texts. */
const BODY_MAX = 16 * 1024 * 1024;

const SYMBOL_QUERY = Type.Object(
  {
    type: Type.Unsafe<SymbolType>({
      type: 'string',
      enum: SYMBOL_TYPES,
      description: 'dlqr is a plain QR code that holds a GS1 Digital Link.',
    }),
    data: Type.String({
      minLength: 1,
      description: 'A bracketed element string, `\\(` for a bracket inside a value; for dlqr a URI.',
      example: '(01)09520123000110(21)ABC',
    }),
    format: Type.Unsafe<'svg' | 'png'>({
      type: 'string',
      enum: ['svg', 'png'],
      default: 'svg',
      description: 'SVG is in millimetres, PNG on whole dots.',
    }),
    xdim: Type.Optional(Type.Number({ description: 'X-dimension in millimetres; what the rule of the symbol aims at when not given.' })),
    dpi: Type.Optional(Type.Integer({ minimum: 72, maximum: 1200, description: 'Resolution of a PNG, 300 when not given.' })),
  },
  { additionalProperties: false },
);

const PRINT_QUERY = Type.Object(
  {
    format: Type.Unsafe<Format>({ type: 'string', enum: FORMATS, description: 'svg and png take one label, pdf and zpl any number.' }),
    dpi: Type.Optional(
      Type.Unsafe<Resolution>({
        type: 'integer',
        enum: RESOLUTIONS,
        description: 'Modules are a whole number of its dots. PNG: 300 when not given, ZPL: 203; SVG and PDF need none.',
      }),
    ),
    size: Type.Optional(
      Type.Unsafe<LabelSize>({
        type: 'string',
        enum: Object.keys(LABEL_SIZES),
        description: 'Of case and sscc labels. When not given A6, and A5 for a label that does not fit on that.',
      }),
    ),
  },
  { additionalProperties: false },
);

const LABELS = Type.Unsafe<Buffer>({
  type: 'object',
  required: ['labels'],
  additionalProperties: false,
  properties: {
    labels: {
      type: 'array',
      minItems: 1,
      maxItems: LABELS_MAX,
      items: {
        type: 'object',
        required: ['data'],
        additionalProperties: false,
        properties: {
          data: {
            type: 'string',
            description:
              'A bracketed element string. A bag takes data identifiers of ISBT 128 as well: (&/) Chain of Identity, (=) donation, (=<) product.',
            example: '(01)09520123000110(21)ABC(17)270831(10)L1',
          },
          text: {
            type: 'object',
            additionalProperties: { type: 'string' },
            description:
              '`product` is the headline; on a bag `use`, `warning` and `zone` have their places; others are printed with their names.',
          },
        },
      },
    },
  },
});

/** Symbols and labels. They are made in threads of their own, and neither kept nor logged: texts may be a patient's. */
export function labelRoutes(press = new LabelPress()): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addHook('onClose', () => press.close());

    app.get(
      '/labels/symbol',
      {
        config: { roles: rolesWith('print') },
        schema: {
          tags: ['Labels'],
          summary: 'One bar code',
          description:
            'With its quiet zone. Data that break the rules of GS1, and X-dimensions outside those of regulated healthcare (of logistic units, where there is an SSCC), are a 400 that names the rule.',
          querystring: SYMBOL_QUERY,
          produces: ['image/svg+xml', 'image/png'],
          response: { 200: Type.Unsafe<unknown>({ type: 'string', format: 'binary', description: 'The picture.' }) },
        },
      },
      async (request, reply) => await reply.type(MEDIA[request.query.format]).send(await press.symbol(request.query, wanted(request))),
    );

    /** The bytes are parsed where the labels are made. */
    const validatorCompiler: FastifySchemaCompiler<unknown> = (part) =>
      part.httpPart === 'body' ? () => true : (app.validatorCompiler as FastifySchemaCompiler<unknown>)(part);
    app.post(
      '/labels/:layout',
      {
        config: { roles: rolesWith('print') },
        bodyLimit: BODY_MAX,
        validatorCompiler,
        schema: {
          tags: ['Labels'],
          summary: 'Labels of packs, cases, logistic units and bags',
          description:
            'Nothing is made before all labels are right; up to a hundred faults are told together, each with its place. The answer is a stream: one that is cut off ended early.',
          params: Type.Object({
            layout: Type.Unsafe<Layout>({
              type: 'string',
              enum: LAYOUTS,
              description: 'pack 50 × 25 mm, case and sscc A6 or A5, bag 100 × 100 mm.',
            }),
          }),
          querystring: PRINT_QUERY,
          consumes: ['application/json'],
          body: LABELS,
          produces: ['application/pdf', 'application/zpl', 'image/svg+xml', 'image/png'],
          response: {
            200: Type.Unsafe<unknown>({
              type: 'string',
              format: 'binary',
              description: 'The labels, in the order in which they were sent.',
            }),
          },
        },
      },
      async (request, reply) => {
        const { format } = request.query;
        const job = { layout: request.params.layout, ...request.query, year: new Date().getUTCFullYear() };
        const printed = await press.labels(job, bodyOf(request), wanted(request));
        if ('problems' in printed) throw new RefusedDocument(printed.problems);
        const stream = Readable.from(printed.chunks, { objectMode: true, highWaterMark: 1 });
        return await reply.type(MEDIA[format]).send(stream);
      },
    );
  };
}
