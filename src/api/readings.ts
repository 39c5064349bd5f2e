import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifySchemaCompiler } from 'fastify';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { rolesWith } from '../access/index.ts';
import { LotlineError } from '../errors.ts';
import {
  type DeviceExport,
  type DeviceReading,
  type ExportOptions,
  ROWS_MAX,
  readDeviceCsv,
  timeIn,
} from '../identity/cold/device-export.ts';
import { celsiusOf } from '../identity/cold/sensor-parts.ts';
import { IDENTITY_NAMESPACE } from '../identity/vocabulary.ts';
import { principalOf } from './authenticate.ts';
import type { ApiDeps } from './deps.ts';
import { epcOf } from './identity/act-events.ts';
import { thingKey } from './identity/acts.ts';

/** Bytes of one export. */
const EXPORT_MAX = 8 * 1024 * 1024;
/** Reports of one event. */
const REPORTS_MAX = 5_000;
const UNITS = Type.Unsafe<'CEL' | 'FAH' | 'KEL'>({
  type: 'string',
  enum: ['CEL', 'FAH', 'KEL'],
  description: 'Of values that tell none; °C when not given.',
});
const ZONE = Type.String({ maxLength: 60, description: 'Of times that tell none: +02:00, or Europe/Paris.' });
const DEVICE = Type.String({ maxLength: 100, pattern: '^[^\\u0000-\\u0020]+$', description: 'Serial number or URI of the device.' });

const BODY = Type.Object(
  {
    readings: Type.Optional(
      Type.Array(
        Type.Object(
          {
            time: Type.String({ maxLength: 60 }),
            value: Type.Number(),
            unit: Type.Optional(UNITS),
            tilt: Type.Optional(Type.Number({ description: 'Degrees.' })),
          },
          { additionalProperties: false },
        ),
        { minItems: 1, maxItems: ROWS_MAX },
      ),
    ),
    summary: Type.Optional(
      Type.Object(
        {
          from: Type.String({ maxLength: 60 }),
          to: Type.String({ maxLength: 60 }),
          min: Type.Number(),
          max: Type.Number(),
          mean: Type.Optional(Type.Number()),
          minutesOut: Type.Optional(Type.Number({ minimum: 0 })),
        },
        { additionalProperties: false, description: 'Of a device that tells no points.' },
      ),
    ),
  },
  { additionalProperties: false },
);
type Body = Static<typeof BODY>;
type Summary = { readonly from: DeviceReading; readonly to: DeviceReading; readonly told: NonNullable<Body['summary']> };

/** What loggers export, as events: whoever has a logger in hand sends its file. */
export function readingRoutes(deps: ApiDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(['text/csv', 'application/json'], { parseAs: 'buffer', bodyLimit: EXPORT_MAX }, (_request, body, done) =>
      done(null, body),
    );

    // A table has no members that a shape could be checked of; JSON is checked when it has been read.
    const validatorCompiler: FastifySchemaCompiler<unknown> = (part) =>
      part.httpPart === 'body' ? () => true : (app.validatorCompiler as FastifySchemaCompiler<unknown>)(part);

    app.post(
      '/identity/readings',
      {
        config: { roles: [...new Set([...rolesWith('capture'), ...rolesWith('custody')])] },
        validatorCompiler,
        schema: {
          tags: ['Chain of identity'],
          summary: 'Send the export of a temperature logger',
          description:
            'As `text/csv` (header lines, comma, semicolon or tab, decimal point or comma, °C or °F), or as JSON `{readings:[{time, value, unit?, tilt?}]}` or `{summary:{from, to, min, max, mean?, minutesOut?}}`. It becomes events of at most 5,000 reports. Errors name line and column; then nothing of it is stored. Sending it again changes nothing.',
          consumes: ['text/csv', 'application/json'],
          body: Type.Unsafe<Buffer>({ ...BODY, description: 'The file as the device exports it, or JSON.' }),
          querystring: Type.Object(
            {
              thing: Type.String({ maxLength: 300, description: 'The logger, or the shipper, in any spelling.' }),
              zone: Type.Optional(ZONE),
              unit: Type.Optional(UNITS),
              dates: Type.Optional(
                Type.Union([Type.Literal('dmy'), Type.Literal('mdy')], { description: 'Order of dates such as 03/04/2026.' }),
              ),
              device: Type.Optional(DEVICE),
              calibratedUntil: Type.Optional(Type.String({ format: 'date-time', description: 'Until when its calibration holds.' })),
            },
            { additionalProperties: false },
          ),
          response: {
            201: Type.Unsafe<unknown>({
              type: 'object',
              description:
                '{ok, thing, device, readings, empty, from, to, min, max, events:[{eventID, seq, duplicate}]}; temperatures in °C',
            }),
          },
        },
      },
      async (request, reply) => {
        const { thing, zone, unit, dates, device, calibratedUntil } = request.query;
        const key = thingKey(thing, '?thing');
        const options: ExportOptions = { zone, unit, dates };
        const { readings, serial, empty, summary } = exportIn(request.headers['content-type'], request.body, options);
        const named = device ?? serial;
        const meta = {
          ...(named !== null && {
            deviceID: /^[a-z][a-z0-9+.-]*:/i.test(named) ? named : `urn:lotline:device:${encodeURIComponent(named)}`,
          }),
          ...(calibratedUntil !== undefined && { 'coi:calibratedUntil': calibratedUntil }),
        };
        const told = summary === null ? pointEvents(key, readings, meta) : [summaryEvent(key, summary, unit ?? 'CEL', meta)];
        const events: { eventID: string; seq: number; duplicate: boolean }[] = [];
        for (const event of told) {
          const { first, errors } = await deps.capture.captureEvent({
            body: Buffer.from(JSON.stringify(event)),
            actor: principalOf(request).id,
          });
          if (first === null) {
            const [error] = errors;
            throw new LotlineError(error?.code ?? 'EV-SCHEMA', error?.title ?? 'the readings were refused', {
              at: error?.at ?? '',
              fix: error?.fix ?? 'Send the export again.',
            });
          }
          events.push(first);
        }
        const celsius = readings.map(({ value, unit: of }) => celsiusOf(value, of) as number);
        const bound = (pick: (a: number, b: number) => number, of: number | undefined) =>
          of !== undefined ? celsiusOf(of, unit) : celsius.length === 0 ? null : celsius.reduce((a, b) => pick(a, b));
        const iso = (one: DeviceReading | undefined) => (one === undefined ? null : new Date(one.ms).toISOString());
        return await reply.code(201).send({
          ok: true,
          thing: key,
          device: meta.deviceID ?? null,
          readings: readings.length,
          empty,
          from: iso(summary?.from ?? readings[0]),
          to: iso(summary?.to ?? readings.at(-1)),
          min: bound(Math.min, summary?.told.min),
          max: bound(Math.max, summary?.told.max),
          events,
        });
      },
    );
  };
}

function exportIn(type: string | undefined, body: unknown, options: ExportOptions): DeviceExport & { summary: Summary | null } {
  if (!(body instanceof Buffer) || body.length === 0)
    throw new LotlineError('EV-SYNTAX', 'the body is empty', { fix: 'Send the export of the device.' });
  if (/^text\/csv/i.test(type ?? '')) return { ...inOrder(readDeviceCsv(textOf(body), options)), summary: null };
  const told = jsonOf(body);
  const time = (words: string, title: string, line: number, before = Number.NEGATIVE_INFINITY) => {
    try {
      return timeIn(words, options, before, { line, column: 1, title });
    } catch (error) {
      throw error instanceof LotlineError && error.at?.startsWith('line ')
        ? new LotlineError(error.code, error.message, { at: title, fix: error.fix })
        : error;
    }
  };
  if (told.summary !== undefined) {
    const { from, to, min, max } = told.summary;
    const at = (words: string, title: string): DeviceReading => ({
      ...time(words, title, 1),
      value: 0,
      unit: options.unit ?? 'CEL',
      tilt: null,
    });
    const summary = { from: at(from, '/summary/from'), to: at(to, '/summary/to'), told: told.summary };
    if (min > max || summary.from.ms > summary.to.ms)
      throw new LotlineError('EV-SYNTAX', 'the summary ends before it begins, or its highest is below its lowest', {
        at: '/summary',
        fix: 'Correct it.',
      });
    return { readings: [], serial: null, empty: 0, summary };
  }
  let before = Number.NEGATIVE_INFINITY;
  const readings = (told.readings ?? []).map(({ time: words, value, unit, tilt }, i): DeviceReading => {
    const at = time(words, `/readings/${i}/time`, i + 1, before);
    before = at.ms;
    return { ...at, value, unit: unit ?? options.unit ?? 'CEL', tilt: tilt ?? null };
  });
  return { ...inOrder({ readings, serial: null, empty: 0 }), summary: null };
}

/** Some devices export the newest first. */
const inOrder = (told: DeviceExport): DeviceExport => ({ ...told, readings: [...told.readings].sort((a, b) => a.ms - b.ms) });

function jsonOf(body: Buffer): Body {
  let told: unknown;
  try {
    told = JSON.parse(textOf(body));
  } catch (error) {
    throw new LotlineError('EV-SYNTAX', `the body is no JSON: ${(error as Error).message}`, { fix: 'Send JSON, or a table as text/csv.' });
  }
  const [fault] = Value.Errors(BODY, told);
  if (fault !== undefined)
    throw new LotlineError('REQ-FORM', `the readings have another form: ${fault.message}`, { at: fault.instancePath, fix: 'See /docs.' });
  const { readings, summary } = told as Body;
  if ((readings === undefined) === (summary === undefined))
    throw new LotlineError('REQ-FORM', 'either readings or a summary is told', { at: '/', fix: 'Send one of the two.' });
  return told as Body;
}

/** UTF-8, or else the bytes of older devices, whose degree sign is one byte; UTF-16 where it says so. */
function textOf(body: Buffer): string {
  if (body[0] === 0xff && body[1] === 0xfe) return body.toString('utf16le');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return body.toString('latin1');
  }
}

type Meta = Readonly<Record<string, string>>;

function pointEvents(key: string, readings: readonly DeviceReading[], meta: Meta): object[] {
  const events: object[] = [];
  const width = readings.some(({ tilt }) => tilt !== null) ? REPORTS_MAX / 2 : REPORTS_MAX;
  for (let i = 0; i < readings.length; i += width) {
    const some = readings.slice(i, i + width);
    const [first, last] = [some[0] as DeviceReading, some.at(-1) as DeviceReading];
    const reports = some.flatMap(({ ms, value, unit, tilt }) => {
      const time = new Date(ms).toISOString();
      return [{ type: 'Temperature', time, value, uom: unit }, ...(tilt === null ? [] : [{ type: 'Angle', time, value: tilt, uom: 'DD' }])];
    });
    events.push(bare(key, first, last, meta, reports));
  }
  return events;
}

function summaryEvent(key: string, { from, to, told }: Summary, uom: string, meta: Meta): object {
  const { min, max, mean, minutesOut } = told;
  const report = {
    type: 'Temperature',
    minValue: min,
    maxValue: max,
    ...(mean !== undefined && { meanValue: mean }),
    uom,
    ...(minutesOut !== undefined && { 'coi:minutesOut': minutesOut }),
  };
  return bare(key, from, to, meta, [report]);
}

function bare(key: string, first: DeviceReading, last: DeviceReading, meta: Meta, sensorReport: readonly object[]): object {
  const time = (one: DeviceReading) => new Date(one.ms).toISOString();
  return {
    '@context': ['https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld', { coi: IDENTITY_NAMESPACE }],
    type: 'ObjectEvent',
    eventTime: time(last),
    eventTimeZoneOffset: last.offset,
    action: 'OBSERVE',
    bizStep: 'sensor_reporting',
    epcList: [epcOf(key)],
    sensorElementList: [{ sensorMetadata: { startTime: time(first), endTime: time(last), ...meta }, sensorReport }],
  };
}
