#!/usr/bin/env node
/**
 * Builds dist/ from src/: what tsc makes of the sources, and beside it everything that is no source (migrations, pages), at the same place.
 * Runs as `prepare`, so `npm ci` in a fresh clone leaves a program that starts. Nothing is fetched.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
const compiler = findCompiler();
if (compiler === null) {
  // Installed without the tools (npm ci --omit=dev): a built program is then already here, or cannot be made.
  if (existsSync(join(dist, 'main.js'))) process.exit(0);
  console.error('lotline is not built, and the compiler is not installed: run npm ci without --omit=dev.');
  process.exit(1);
}

rmSync(dist, { recursive: true, force: true });
try {
  execFileSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], { cwd: root, stdio: 'inherit' });
} catch {
  process.exit(1); // tsc has said why
}
copyOthers(join(root, 'src'), dist);
const { buildWeb } = await import('./build-web.mjs'); // after the compiler is known to be there: the bundler comes with it
await buildWeb(join(dist, 'web/public'));
if (existsSync(join(dist, 'main.js'))) chmodSync(join(dist, 'main.js'), 0o755);

/** Everything under src that the compiler does not turn into something. */
function copyOthers(from, to) {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) copyOthers(source, target);
    else if (!/\.tsx?$/.test(entry.name)) cpSync(source, target);
  }
}

function findCompiler() {
  try {
    return createRequire(import.meta.url).resolve('typescript/bin/tsc');
  } catch {
    return null;
  }
}
