/**
 * Bundles the portable ledger verifier for the page: one ES module, @noble included, nothing fetched. `scripts/build.mjs` calls
 * buildWeb(outFolder) after tsc; from source the server bundles on the first request (src/web/index.ts).
 */
import { cp, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The text of /assets/verifier.js. */
export async function bundleVerifier() {
  const { outputFiles } = await build({
    stdin: { contents: `export { verifyConsistency, verifyProof } from './src/ledger/index.ts';`, resolveDir: root, loader: 'ts' },
    absWorkingDir: root,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    legalComments: 'eof',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0].text;
}

/** Copies the page beside the built program and puts the verifier with it. */
export async function buildWeb(out = `${root}/dist/web/public`) {
  await cp(`${root}/src/web/public`, out, { recursive: true });
  await writeFile(`${out}/verifier.js`, await bundleVerifier());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildWeb();
