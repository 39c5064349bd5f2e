import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedPath } from './shared.ts';

const SCHEMAS = {
  '2.0': 'xsd-2.0/EPCglobal-epcis-2_0.xsd',
  '1.2': 'xsd-1.2/EPCglobal-epcis-1_2.xsd',
  'master data 2.0': 'xsd-2.0/EPCglobal-epcis-masterdata-2_0.xsd',
  'master data 1.2': 'xsd-1.2/EPCglobal-epcis-masterdata-1_2.xsd',
  'query 2.0': 'xsd-2.0/EPCglobal-epcis-query-2_0.xsd',
  'query 1.2': 'xsd-1.2/EPCglobal-epcis-query-1_2.xsd',
} as const;
let told = false;

/** Whether documents can be held against the official schemas here: they are there, and so is xmllint (Debian: libxml2-utils). Says once if not. */
export function canValidateXml(): boolean {
  if (sharedPath('gs1', 'artefacts', 'xsd-2.0') === null) return false;
  if (spawnSync('xmllint', ['--version']).error === undefined) return true;
  if (!told) console.info('skipping validation against the official XML schemas: xmllint is not installed');
  told = true;
  return false;
}

/** What the official schema says of each document: '' of a valid one, else the complaints. One run of xmllint for all of them. */
export function xsdFaults(schema: keyof typeof SCHEMAS, documents: ReadonlyMap<string, string>): Map<string, string> {
  const path = sharedPath('gs1', 'artefacts', SCHEMAS[schema]);
  if (path === null) throw new Error('ask canValidateXml first');
  const folder = mkdtempSync(join(tmpdir(), 'lotline-xsd-'));
  try {
    const names = [...documents.keys()];
    for (const [i, text] of [...documents.values()].entries()) writeFileSync(join(folder, `${i}.xml`), text);
    const files = names.map((_, i) => `${i}.xml`);
    const { stderr } = spawnSync('xmllint', ['--nonet', '--noout', '--schema', path, ...files], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    const lines = stderr.split('\n');
    return new Map(
      names.map((name, i) => {
        const own = lines.filter((line) => line.startsWith(`${i}.xml`));
        return [name, own.includes(`${i}.xml validates`) ? '' : own.join('\n') || stderr.slice(0, 500)];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
