import type { EpcisEvent } from '../model.ts';

/**
 * Whether an event complies with the CBV (V-7): its business step and all its vocabulary values are standard ones. One that has values of its own, or no
 * business step, is only compatible with it. Sensor reports are not looked at: GS1's web vocabulary has more measurement types than CBV 2.0 lists.
 */
export function isCbvCompliant(event: EpcisEvent): boolean {
  const { type, bizStep, disposition, persistentSet, persistentUnset, bizTransactionList, sourceList, destinationList } = event;
  const words = [
    type,
    bizStep,
    disposition,
    event.errorDeclaration?.reason,
    ...persistentSet,
    ...persistentUnset,
    ...[...bizTransactionList, ...sourceList, ...destinationList].map((one) => one.type),
  ];
  // A value of one's own is kept as the URI that it is, a standard one as its word.
  return bizStep !== null && !words.some((word) => word?.includes(':') === true);
}
