import { ERROR_CODES } from '../errors.ts';

/** What of an OpenAPI document the page shows. */
export type ApiDocument = {
  info: { title: string; version: string; description?: string };
  paths: Record<string, Record<string, Operation>>;
};
type Schema = {
  type?: string | string[];
  description?: string;
  example?: unknown;
  default?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  const?: unknown;
  enum?: unknown[];
  format?: string;
  minimum?: number;
  maximum?: number;
};
type Operation = {
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: Schema }[];
  requestBody?: { content: Record<string, { schema?: Schema; example?: unknown }> };
  responses?: Record<string, { description?: string; content?: Record<string, { schema?: Schema }> }>;
  security?: unknown[];
};
type Parameter = NonNullable<Operation['parameters']>[number];

/** The interface as one page of HTML that needs nothing else: each route with parameters, shapes, errors and a call to paste. */
export function docsPage(document: ApiDocument): string {
  const groups = new Map<string, string[]>();
  for (const [path, operations] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(operations)) {
      if (method === 'options') continue; // said once for all
      const group = operation.tags?.[0] ?? 'Other';
      const sections = groups.get(group) ?? [];
      sections.push(section(method, path, operation));
      groups.set(group, sections);
    }
  const codes = Object.entries(ERROR_CODES).map(
    ([code, { status, epcis }]) =>
      `<tr><td><code>${html(code)}</code></td><td>${status}</td><td><code>epcisException:${html(epcis)}</code></td></tr>`,
  );
  const { title, version, description = '' } = document.info;
  const contents = [...groups.keys(), 'Problems'].map((group) => `<a href="#${slug(group)}">${html(group)}</a>`).join(' · ');
  const body = [...groups].map(([group, sections]) => `<h2 id="${slug(group)}">${html(group)}</h2>${sections.join('')}`).join('');
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${html(title)} interface</title><style>${STYLE}</style></head>
<body><main><h1>${html(title)} <small>${html(version)}</small></h1><p>${html(description)}</p>
<p>The same for programs: <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>. The examples read the key from the variable <code>KEY</code>. Each resource beneath <code>/epcis</code> answers OPTIONS with its methods and with the versions and forms that are taken.</p><nav>${contents}</nav>${body}
<h2 id="problems">Problems</h2><p>Every answer of 400 and above is <code>application/problem+json</code> (RFC 9457): <code>type</code>, <code>title</code>, <code>status</code>, <code>detail</code>, and our <code>code</code>, <code>at</code> (JSON Pointer into the body, <code>?name</code> of a parameter, or the name of a header), <code>fix</code>; <code>things</code> where the code names things, <code>errors</code> where a document has several faults.</p>
<table><thead><tr><th>code</th><th>status</th><th>type</th></tr></thead>${codes.join('')}</table></main></body></html>`;
}

function section(method: string, path: string, operation: Operation): string {
  const parameters = (operation.parameters ?? []).map(
    (p) =>
      `<tr><td><code>${html(p.name)}</code>${p.required ? ' <b>required</b>' : ''}</td><td>${html(p.in)}</td><td>${html(typeText(p.schema))}</td><td>${prose(p.description ?? p.schema?.description ?? '')}</td></tr>`,
  );
  const [bodyType, body] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  const answers = Object.entries(operation.responses ?? {}).map(([status, answer]) => {
    const schema = Object.values(answer.content ?? {})[0]?.schema;
    const problem = status === 'default' || Number(status) >= 400;
    const isList = schema?.type === 'array';
    const text = [
      answer.description === 'Default Response' ? undefined : answer.description,
      problem ? undefined : schema?.description,
      isList ? 'A list of:' : undefined,
    ].filter((t) => t !== undefined);
    return `<tr><td><code>${html(status === 'default' ? 'other' : status)}</code></td><td>${prose([...new Set(text)].join(' '))}${problem ? '' : shape(schema)}</td></tr>`;
  });
  return `<section><h3 id="${slug(`${method} ${path}`)}"><span class="${method}">${method.toUpperCase()}</span> <code>${html(path)}</code></h3>
<p><b>${html(operation.summary ?? '')}</b> ${prose(operation.description ?? '')}</p>
${parameters.length > 0 ? `<table><thead><tr><th>Parameter</th><th>In</th><th>Type</th><th>Meaning</th></tr></thead>${parameters.join('')}</table>` : ''}
${body === undefined ? '' : `<p>Body (<code>${html(bodyType ?? '')}</code>): ${html(body.schema?.description ?? '')}</p>${shape(body.schema)}`}
<table><thead><tr><th>Answer</th><th>Meaning</th></tr></thead>${answers.join('')}</table>
<pre>${html(curl(method, path, operation, bodyType, body?.schema?.example ?? body?.example))}</pre></section>`;
}

function curl(method: string, path: string, operation: Operation, bodyType: string | undefined, example: unknown): string {
  const required = (operation.parameters ?? []).filter((p) => p.in === 'query' && p.required).map((p) => `${p.name}=${exampleOf(p)}`);
  const filled = (operation.parameters ?? [])
    .filter((p) => p.in === 'path')
    .reduce((text, p) => text.replace(`{${p.name}}`, exampleOf(p)), path);
  const url = `http://127.0.0.1:8080${filled}${required.length > 0 ? `?${required.join('&')}` : ''}`;
  const parts = [method === 'get' ? 'curl' : `curl -X ${method.toUpperCase()}`];
  if (operation.security?.length) parts.push('-H "Authorization: Bearer $KEY"');
  if (bodyType !== undefined) {
    parts.push(`-H "Content-Type: ${bodyType}"`);
    parts.push(example === undefined ? '--data-binary @document.json' : `-d '${JSON.stringify(example)}'`);
  }
  return `${parts.join(' ')} "${url}"`;
}

/** What stands for a parameter in a call to paste: its example, or its name to be replaced. */
function exampleOf({ name, schema }: Parameter): string {
  return schema?.example === undefined ? `{${name}}` : encodeURIComponent(String(schema.example as string | number));
}

function shape(schema: Schema | undefined): string {
  const members = schema?.items?.properties ?? schema?.properties;
  if (members === undefined || Object.keys(members).length === 0) return '';
  const required = new Set(schema?.items?.required ?? schema?.required ?? []);
  const rows = Object.entries(members).map(
    ([name, member]) =>
      `<li><code>${html(name)}</code>${required.has(name) ? '' : ' (optional)'}: ${html(typeText(member))}${shape(member)}</li>`,
  );
  return `<ul>${rows.join('')}</ul>`;
}

function typeText(schema: Schema | undefined): string {
  if (schema === undefined) return '';
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeText).join(' | ');
  const range = [schema.minimum === undefined ? '' : `from ${schema.minimum}`, schema.maximum === undefined ? '' : `to ${schema.maximum}`]
    .filter((t) => t !== '')
    .join(' ');
  const name = schema.type === 'array' ? `list of ${typeText(schema.items) || 'anything'}` : [schema.type ?? 'anything'].flat().join(' | ');
  return [name, schema.format, range, schema.description].filter((t) => t !== undefined && t !== '').join(', ');
}

const slug = (text: string) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-');
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const html = (text: string) => text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
/** Words between backticks are code. */
const prose = (text: string) => html(text).replace(/`([^`]+)`/g, '<code>$1</code>');

const STYLE = `:root{color-scheme:light dark}body{margin:0;font:16px/1.5 system-ui,sans-serif}main{max-width:62rem;margin:0 auto;padding:1.5rem}h1 small{font-size:1rem;font-weight:400;opacity:.7}
section{border-top:1px solid #8884;padding:.5rem 0 1.5rem}h3{font-size:1.05rem;overflow-wrap:anywhere}h3 span{display:inline-block;min-width:4.2rem;font-weight:700}.get{color:#1a7f37}.post{color:#0969da}.delete{color:#cf222e}.patch{color:#9a6700}
table{border-collapse:collapse;width:100%;margin:.5rem 0}th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8883}pre{padding:.75rem;overflow-x:auto;background:#8881;border-radius:.4rem}
code{font-family:ui-monospace,monospace;font-size:.92em}ul{margin:.2rem 0 .2rem 1.2rem;padding:0}nav{margin:1rem 0}`;
