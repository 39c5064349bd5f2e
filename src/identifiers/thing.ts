/**
 * What a thing is called inside lotline (design.md §4): the finest GS1 key, split where tables split it.
 *
 *     urn:epc:id:sgtin:9520123.000011.ABC          → { class: '01/09520123000110', serial: 'ABC' }     key 01/09520123000110/21/ABC
 *     urn:epc:id:sscc:9520123.0000000018           → { class: '00', serial: '095201230000000189' }     key 00/095201230000000189
 *     urn:epc:id:sgln:9520123.00001.7              → { class: '414', serial: '9520123000011/254/7' }   key 414/9520123000011/254/7
 *     https://example.com/obj/7                    → { class: 'uri', serial: 'https://example.com/obj/7' }   key = the URI itself
 *     urn:epc:class:lgtin:9520123.000011.L1        → { class: '01/09520123000110', lot: 'L1' }         key 01/09520123000110/10/L1
 *     urn:epc:idpat:sgtin:9520123.000011.*         → { class: '01/09520123000110', lot: '' }           key 01/09520123000110
 *
 * The class column names what all things of a class share, as the key of that class; the serial is the rest:
 *
 *     sgtin '01/<gtin14>'        upui '01/<gtin14>/235' (its serials are other numbers than those under 21)
 *     itip  '8006/<18 digits>'   cpi  '8010/<company prefix and part, percent-encoded>'
 *     grai  '8003/<14 digits>'   gdti '253/<13 digits>'   sgcn '255/<13 digits>'
 *     keys without a class: '00', '414', '417', '401', '402', '8004', '8017', '8018', the whole value as serial
 *     a key that stands where it does not belong (a lot among instances, an instance among lots): 'uri' with the canonical key
 *
 * Serials and lots are held decoded; keys percent-encode them in the general form of codes.md §4.
 */
export type Thing = { readonly class: string; readonly serial: string };

/** A lot of a class, or with `lot: ''` the class as a whole. A class that is no GS1 key is `{ class: 'uri', lot: <the URI> }`. */
export type ThingLot = { readonly class: string; readonly lot: string };
