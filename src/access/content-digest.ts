import { createHash } from 'node:crypto';
import { canonicalJson } from '../epcis/index.ts';

/** What a signature is bound to: SHA-256 (hex) of the canonical JSON of an act's body, its `signatures` left out (domain.md §15). */
export function contentDigest(body: object): string {
  const { signatures: _, ...content } = body as { signatures?: unknown };
  return createHash('sha256').update(canonicalJson(content), 'utf8').digest('hex');
}
