import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import type { Command } from 'commander';
import { buildGatewayApp } from '../api/gateway.ts';
import { DocumentReaders } from '../capture/document-readers.ts';
import { LotlineError } from '../errors.ts';
import { Gateway } from '../integrations/gateway/gateway.ts';
import { isGatewayName } from '../integrations/receipt.ts';
import { VERSION } from '../settings.ts';
import { stopInTime, untilStopped } from './serve.ts';
import { count } from './terminal.ts';

type Flags = {
  upstream: string;
  key?: string;
  keyFile?: string;
  localKey?: string;
  host: string;
  port: string;
  data: string;
  name?: string;
  retryMax: string;
};

const KEY = /^[A-Za-z0-9._~+/-]{16,512}=*$/;
const CAPTURE_MAX_BYTES = 104_857_600;
const CAPTURE_MAX_EVENTS = 100_000;

/** `lotline gateway`: takes captures beside a line whose network may be away, and forwards them once, in order, when it is back. */
export function gatewayCommand(program: Command): void {
  program
    .command('gateway')
    .description('Take captures beside a line and forward them: durable without a network, in order, never doubled.')
    .requiredOption('--upstream <url>', 'The lotline service that everything is forwarded to. If it is wrong: documents wait in the spool.')
    .option('--key <key>', 'Its API key, of the role line. Better in LOTLINE_UPSTREAM_KEY or --key-file: others on this machine see flags.')
    .option('--key-file <file>', 'A file with that key.')
    .option(
      '--local-key <key>',
      'The key that the line shows here. Also LOTLINE_GATEWAY_KEY. Only its SHA-256 is kept. Without one, one is made and printed at the first start.',
    )
    .option('--host <address>', 'The address to listen on.', '127.0.0.1')
    .option('--port <number>', 'The port to listen on; 0 takes any free one.', '8090')
    .option('--data <folder>', 'Where the spool lies. Another folder is another, empty spool.', './lotline-gateway')
    .option('--name <name>', 'What this gateway is called upstream. Default: the name of this machine.')
    .option('--retry-max <seconds>', 'The longest pause between two tries to reach the service.', '30')
    .action(async (flags: Flags) => {
      const running = await startGateway(flags);
      await untilStopped();
      console.log('Stopping: what is not forwarded yet stays in the spool.');
      await stopInTime(() => running.close());
      console.log('Stopped.');
    });
}

async function startGateway(flags: Flags): Promise<{ close(): Promise<void> }> {
  const log = (line: string) => console.error(`${new Date().toISOString()} ${line}`);
  const name = flags.name ?? hostname();
  if (!isGatewayName(name))
    throw wrong('--name', `${JSON.stringify(name)} is no name`, 'Use up to 100 visible ASCII characters without a semicolon.');
  const options = {
    folder: flags.data,
    name,
    upstream: upstreamUrl(flags.upstream),
    upstreamKey: upstreamKey(flags),
    retryMaxMs: numberOf('--retry-max', flags.retryMax, 3_600) * 1000,
    log,
  };
  const port = numberOf('--port', flags.port, 65_535);
  const localKey = flags.localKey ?? process.env['LOTLINE_GATEWAY_KEY'] ?? null;
  if (localKey !== null && !KEY.test(localKey))
    throw wrong(
      '--local-key',
      'the key for the line is too short, or has other characters',
      'Take 16 or more of A-Z, a-z, 0-9, -, ., _, ~, + and /.',
    );
  const gateway = Gateway.open(options);
  const documents = new DocumentReaders();
  const app = await buildGatewayApp({ gateway, documents, captureMaxBytes: CAPTURE_MAX_BYTES, captureMaxEvents: CAPTURE_MAX_EVENTS, log });
  const close = async () => {
    await app.close();
    await gateway.close();
    await documents.close();
  };
  const made = gateway.setLocalKey(localKey);
  try {
    await app.listen({ host: flags.host, port });
  } catch (cause) {
    await close();
    throw wrong(
      '--port',
      `cannot listen on ${flags.host}:${port} (${(cause as NodeJS.ErrnoException).code})`,
      'Name a free port and an address of this machine.',
    );
  }
  const at = app.server.address() as AddressInfo;
  const { waiting } = gateway.status;
  console.log(`lotline gateway ${VERSION}, ${name}`);
  console.log(`  forwards to ${options.upstream}`);
  console.log(`  ${count(waiting.documents)} documents wait in ${flags.data}`);
  if (made !== null) console.log(`Key for the line, shown this once: ${made}`);
  console.log(`Ready: http://${flags.host.includes(':') ? `[${flags.host}]` : flags.host}:${at.port}`);
  return { close };
}

function upstreamUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw wrong('--upstream', `${JSON.stringify(text)} is no URL of a service`, 'Write it like https://lotline.example:8080.');
}

function upstreamKey(flags: Flags): string {
  const key = flags.keyFile !== undefined ? readKeyFile(flags.keyFile) : (flags.key ?? process.env['LOTLINE_UPSTREAM_KEY']);
  if (key !== undefined && KEY.test(key)) return key;
  throw wrong(
    'LOTLINE_UPSTREAM_KEY',
    key === undefined ? 'there is no key for the service' : 'the key for the service is none',
    'Give a key of the role line in LOTLINE_UPSTREAM_KEY, or with --key-file or --key.',
  );
}

function readKeyFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw wrong('--key-file', `${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`, 'Name a file with the key.');
  }
}

function numberOf(flag: string, text: string, most: number): number {
  if (/^\d{1,6}$/.test(text) && Number(text) <= most) return Number(text);
  throw wrong(flag, `${JSON.stringify(text)} is not what it takes`, `Give a whole number from 0 to ${most}.`);
}

const wrong = (at: string, what: string, fix: string) => new LotlineError('CFG-VALUE', what, { at, fix });
