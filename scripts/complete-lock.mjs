#!/usr/bin/env node
/**
 * Completes package-lock.json after a dependency change: `node scripts/complete-lock.mjs`. A registry mirror may hold the binaries of one
 * platform only; npm then leaves the others' packages out of the lock file, and `npm ci` refuses it anywhere as incomplete. What is added
 * here says name, version and platform, so that each machine fetches what is its own and skips the rest.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

let added = 0;
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    if (path === '' || lock.packages[place] || lock.packages[`${path}/${place}`] || !/^\d+\.\d+\.\d+/.test(version)) continue;
    const parts = name.split('/').at(-1).split('-');
    const system = SYSTEMS.find((os) => parts.includes(os));
    const processor = PROCESSORS.find(
      (cpu) => parts.includes(cpu) || (cpu === 'ppc64' && parts.includes('ppc64le')) || (cpu === 'wasm32' && parts.includes('wasm32')),
    );
    if (system === undefined && processor === undefined) continue;
    const libc = parts.some((part) => part.startsWith('musl')) ? ['musl'] : parts.includes('gnu') ? ['glibc'] : undefined;
    lock.packages[place] = {
      version,
      ...(processor && { cpu: [processor] }),
      ...(entry.dev && { dev: true }),
      ...(libc && { libc }),
      optional: true,
      ...(system && { os: [system] }),
    };
    added++;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} packages of other platforms added`);
