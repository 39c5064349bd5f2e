import { connect } from 'node:net';
import type { FuzzRequest } from './requests.ts';

/** The status is null where the connection ended without an answer. */
export type Answer = { readonly status: number | null; readonly contentType: string; readonly body: string; readonly tookMs: number };

/** Sends a request as it is, over a connection of its own: no client library would let all of them pass. Throws when nothing has come in time. */
export async function send(url: string, request: FuzzRequest, boundMs: number): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const { method, target, headers, body } = request;
  const told = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${hostname}`,
    'Connection: close',
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  const length = request.length ?? body?.length;
  if (length !== undefined && !headers.some(([name]) => name === 'Transfer-Encoding')) told.push(`Content-Length: ${length}`);
  const began = performance.now();
  const received = await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    const late = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no answer within ${boundMs} ms`));
    }, boundMs);
    const end = () => {
      clearTimeout(late);
      resolve(Buffer.concat(chunks));
    };
    const socket = connect(Number(port), hostname, () => {
      socket.write(`${told.join('\r\n')}\r\n\r\n`, 'latin1');
      if (body !== null) socket.write(body);
      if (isCutOff(request)) socket.end();
    });
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.once('close', end).once('error', end);
  });
  return { ...read(received.toString('utf8')), tookMs: performance.now() - began };
}

/** A body that is announced and does not come whole: the client goes away, and need not be answered. */
export function isCutOff({ length, headers }: FuzzRequest): boolean {
  return length !== undefined || headers.some(([name]) => name === 'Transfer-Encoding');
}

function read(text: string): Omit<Answer, 'tookMs'> {
  // An interim answer comes before the final one.
  const final = text.replace(/^HTTP\/1\.1 1\d\d [^\r]*\r\n(?:[^\r]+\r\n)*\r\n/, '');
  const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(final) ?? [];
  const at = final.indexOf('\r\n\r\n');
  const head = at < 0 ? final : final.slice(0, at);
  const raw = at < 0 ? '' : final.slice(at + 4);
  const [, contentType = ''] = /^content-type: *([^\r]*)/im.exec(head) ?? [];
  // What could not be read behind a request has an answer of its own.
  const [, length] = /^content-length: *(\d+)/im.exec(head) ?? [];
  return {
    status: status === undefined ? null : Number(status),
    contentType,
    body: length !== undefined ? Buffer.from(raw).toString('utf8', 0, Number(length)) : joined(raw),
  };
}

/** The chunks of a body, joined. Lengths are bytes; characters that are none are not looked at. */
function joined(raw: string): string {
  const bytes = Buffer.from(raw);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const line = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16);
    if (line < 0 || !(size > 0)) break;
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
  return Buffer.concat(parts).toString('utf8');
}
