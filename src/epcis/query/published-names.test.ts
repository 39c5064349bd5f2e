import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { sharedPath } from '../../../test/support/shared.ts';
import { parseQueryBody, parseUrlQuery } from './grammar.ts';

const schemaPath = sharedPath('gs1', 'artefacts', 'rest', 'query-schema.json');
const openApiPath = sharedPath('gs1', 'artefacts', 'rest', 'openapi.json');
const context = { '@context': [{ ex: 'http://ns.example.com/epcis/' }] };

type Schema = { readonly $ref?: string; readonly type?: string; readonly items?: Schema; readonly enum?: readonly string[] };

/** Something of the kind that the schema asks for. */
function valueFor(schema: Schema): unknown {
  if (schema.items !== undefined) return [valueFor(schema.items)];
  if (schema.enum !== undefined) return schema.enum[0];
  switch (schema.$ref?.replace('#/definitions/', '') ?? schema.type) {
    case 'time':
      return '2026-03-01T08:00:00Z';
    case 'decimal':
    case 'number':
    case 'integer':
    case 'date-string-or-number':
      return 3;
    case 'boolean':
      return true;
    case 'string-array-or-date-string-or-number':
      return ['2026'];
    case 'eventType':
      return 'ObjectEvent';
    case 'action':
      return 'ADD';
    case 'bizStep':
      return 'shipping';
    case 'disposition':
      return 'in_transit';
    case 'error-reason':
      return 'incorrect_data';
    case 'measurementType':
      return 'Temperature';
    case 'string':
      return 'a0';
    default:
      return 'urn:uuid:00000000-0000-4000-8000-000000000001';
  }
}

/** A name that the pattern means: those of extensions are escaped twice, and no name fits them as they stand (T-1). */
const nameFor = (pattern: string): string =>
  pattern
    .replace(/^\^|\$$/g, '')
    .replace('[a-z][a-zA-Z0-9]*\\\\:\\\\w+', 'ex:field')
    .replace('\\\\w+_\\\\w+', 'bizLocation_countryCode')
    .replace('EQ_bizTransaction_[a-z][a-zA-Z0-9_]+', 'EQ_bizTransaction_po')
    .replace('[a-z][a-zA-Z0-9_]+', 'owning_party')
    .replace('[A-Z0-9]{2,4}', 'CEL');

it.skipIf(schemaPath === null)(
  'the published schema of queries names no parameter that a JSON query may not have, with the type it gives (§9.4, T-1, T-2)',
  () => {
    const { definitions } = JSON.parse(readFileSync(schemaPath as string, 'utf8')) as {
      definitions: { 'EPCIS-Query': { properties: Record<string, Schema>; patternProperties: Record<string, Schema> } };
    };
    const { properties, patternProperties } = definitions['EPCIS-Query'];
    const controls = ['@context', 'orderBy', 'orderDirection', 'eventCountLimit', 'maxEventCount'];
    const asked = [
      ...Object.entries(properties),
      ...Object.entries(patternProperties).map(([pattern, of]) => [nameFor(pattern), of] as const),
    ].filter(([name]) => !controls.includes(name));
    for (const [name, schema] of asked) expect(parseQueryBody({ ...context, [name]: valueFor(schema) }).parameters, name).toHaveLength(1);
    expect(asked.length).toBeGreaterThan(150);
  },
);

it.skipIf(openApiPath === null)('the published OpenAPI document names no parameter of events that a URL may not have (Q-3)', () => {
  const { components } = JSON.parse(readFileSync(openApiPath as string, 'utf8')) as {
    components: { parameters: Record<string, { name: string; in: string }> };
  };
  const inQuery = Object.values(components.parameters).filter((parameter) => parameter.in === 'query');
  const names = inQuery.map(({ name }) => name).filter((name) => /^(?:EQ|GE|GT|LE|LT|WD|MATCH|EXISTS)_/.test(name));
  // Left empty, a parameter is left out: that its name is known is all that shows.
  for (const name of names) expect(() => parseUrlQuery(new URLSearchParams({ [name]: '' })), name).not.toThrow();
  expect(names.length).toBeGreaterThan(40);
});
