import type { CompanyPrefixes } from './company-prefixes.ts';
import { readEpcUrn, writeEpcUrn } from './epc-urn.ts';
import { readEventLink } from './event-links.ts';
import { keyText } from './gs1/keys.ts';
import { orNull } from './refusal.ts';

/** The values of the header GS1-EPC-Format (epcis-2.0.md V-9). */
export const EPC_FORMATS = ['No_Preference', 'Always_GS1_Digital_Link', 'Always_EPC_URN', 'Never_Translates'] as const;
export type EpcFormat = (typeof EPC_FORMATS)[number];

/**
 * An identifier of an answer in the form that was asked for (V-9). What has no such form stays as it was captured: other URIs, a link
 * whose company prefix length is not known, a URN that has no link. Fields to which this applies: V-10.
 */
export function translateEpc(uri: string, format: EpcFormat, prefixes: CompanyPrefixes): string {
  if (format === 'No_Preference' || format === 'Never_Translates') return uri;
  const isUrn = uri.startsWith('urn:epc:');
  if (isUrn === (format === 'Always_EPC_URN')) return uri;
  // A broken identifier inside an old or foreign event is shown as it was captured.
  const key = orNull(() => (isUrn ? readEpcUrn(uri).key : readEventLink(uri)));
  if (key === null) return uri;
  if (isUrn) return `https://id.gs1.org/${keyText(key)}`;
  const length = prefixes.lengthIn(key);
  return (length === null ? null : writeEpcUrn(key, length)) ?? uri;
}
