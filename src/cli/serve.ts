import type { AddressInfo } from 'node:net';
import type { Command } from 'commander';
import { LotlineError } from '../errors.ts';
import { openService, type Service } from '../service.ts';
import {
  describeSettings,
  readSettings,
  SETTINGS,
  type SettingName,
  type Settings,
  type SettingText,
  unknownVariables,
  VERSION,
} from '../settings.ts';

/** A shorter bootstrap key gets a warning at the start. */
const ADMIN_KEY_SHORT = 24;

export type RunningServer = Service & { readonly url: string };

/** Opens the service and listens. What the operator has to know goes to `print`, a line at a time. */
export async function startServer(settings: Settings, more: { print?: (line: string) => void } = {}): Promise<RunningServer> {
  const { print = () => {} } = more;
  const service = await openService(settings);
  try {
    await service.app.listen({ host: settings.host, port: settings.port });
  } catch (cause) {
    await service.close();
    throw new LotlineError('CFG-VALUE', `Cannot listen on ${settings.host}:${settings.port} (${(cause as NodeJS.ErrnoException).code})`, {
      at: 'LOTLINE_PORT',
      fix: 'Stop the program that has the port, or set LOTLINE_HOST and LOTLINE_PORT to a free one.',
      cause,
    });
  }
  const { port } = service.app.server.address() as AddressInfo;
  const url = `http://${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${port}`;
  print(`lotline ${VERSION}`);
  for (const line of describeSettings(settings)) print(`  ${line}`);
  if (settings.adminKey !== null && settings.adminKey.length < ADMIN_KEY_SHORT)
    print(`Warning: LOTLINE_ADMIN_KEY has fewer than ${ADMIN_KEY_SHORT} characters; whoever guesses it may do everything.`);
  if (service.firstKey !== null) print(`Admin key, shown this once: ${service.firstKey}`);
  print(`Log key ${service.deps.vkey}`);
  print(`Interface documented at ${url}/docs`);
  print(`Ready: ${url}`);
  return { ...service, url };
}

/** `lotline serve`: runs until it is told to stop (SIGTERM, SIGINT); then finishes what it has in hand. */
export function serveCommand(program: Command): void {
  const command = program.command('serve').description('Serve capture, questions and the log over HTTP.');
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    const text: SettingText = SETTINGS[name];
    command.option(text.flag, `${text.about} Unit: ${text.unit}. Also ${text.env}. If it is wrong: ${text.ifWrong}`);
  }
  command.action(async (flags: Partial<Record<SettingName, unknown>>) => {
    const settings = readSettings(flags, process.env);
    for (const name of unknownVariables(process.env)) console.warn(`Warning: ${name} is no setting of this version.`);
    const server = await startServer(settings, { print: (line) => console.log(line) });
    await untilStopped();
    console.log('Stopping: finishing what is in hand.');
    await stopInTime(() => server.close());
    console.log('Stopped.');
  });
}

/** Resolves when the operator asks to stop (SIGTERM, SIGINT). */
export async function untilStopped(): Promise<void> {
  const signals = ['SIGTERM', 'SIGINT'] as const;
  await new Promise<void>((resolve) => {
    const heard = () => {
      // A second signal has the default effect again: it ends the process at once, and nothing that was acknowledged is lost by it.
      for (const signal of signals) process.off(signal, heard);
      resolve();
    };
    for (const signal of signals) process.on(signal, heard);
  });
}

/** A stop takes no longer than this, ms: less than the half minute after which a container or a supervisor commonly kills. */
const STOP_MS_MAX = 25_000;

/** Closes, or ends the process when that takes too long: what was acknowledged and not folded yet is in the intake, and is folded at the next start. */
export async function stopInTime(close: () => Promise<void>, more: { ms?: number; end?: () => void } = {}): Promise<void> {
  const { ms = STOP_MS_MAX, end = () => process.exit(0) } = more;
  const late = setTimeout(() => {
    console.log(`Stopped after ${ms / 1000} s, amid a fold: it is done anew at the next start.`);
    end();
  }, ms);
  await close();
  clearTimeout(late);
}
