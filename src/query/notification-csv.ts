import type { NotificationForm } from '../genealogy/index.ts';
import { csvHeader, csvLine } from './csv.ts';

const COLUMNS = [
  'row', 'finding', 'notification_type', 'classification', 'determined', 'due', 'sent', 'terminated', 'gtin', 'product', 'lot', 'expiry', 'serial',
  'quantity', 'status', 'party', 'party_name', 'role', 'first', 'last', 'description',
] as const; // biome-ignore format: a list
type Row = Partial<Record<(typeof COLUMNS)[number], unknown>>;

/**
 * The form as a sheet that can be sorted (domain.md §11.4): a line for the whole, one a lot, one a unit, one a partner. Each line bears what it is of, so
 * that none needs the one above it.
 */
export function notificationCsv(form: NotificationForm): string {
  const { finding, classification, determined, due, products } = form;
  const names = new Map(products.map(({ gtin, name }) => [gtin, name]));
  const all: Row = {
    finding,
    notification_type: form.notificationType,
    classification,
    determined,
    due,
    sent: form.sent?.at,
    terminated: form.terminated?.at,
  };
  const product = (gtin: string | null): Row => ({ gtin, product: names.get(gtin) });
  const rows: Row[] = [
    { row: 'notification', quantity: form.quantity, description: form.description },
    ...form.lots.map(({ gtin, ...lot }) => ({ row: 'lot', ...product(gtin), ...lot })),
    ...form.units.map(({ gtin, lot, expiry, serial, key, status, holder }) => ({
      row: 'unit',
      ...product(gtin),
      lot,
      expiry,
      serial: serial ?? key,
      quantity: 1,
      status,
      party: holder,
      party_name: form.partners.find(({ party }) => party === holder)?.name,
    })),
    ...form.partners.map(({ party, name, roles, first, last }) => ({
      row: 'partner',
      party,
      party_name: name,
      role: roles.join(' '),
      first,
      last,
    })),
  ];
  return csvHeader(COLUMNS) + rows.map((row) => csvLine(COLUMNS.map((column) => ({ ...all, ...row })[column as keyof Row]))).join('');
}
