/**
 * The floor: what the same engine takes for the bare statements without which the work cannot be done, on tables of its own, with the settings
 * that the service uses, grouped into transactions as the service grouped. No HTTP, no reading of documents, no state, no log. What writes is
 * measured around these calls; what is asked goes through the bare server, because an answer over HTTP is what the service's figure has.
 */
export interface Floor {
  /** What a bare server opens to answer from the same tables. */
  readonly target: string;
  /** One transaction: an item a serial, and its reference to an event; `perEvent` serials an event. */
  commission(serials: readonly string[], perEvent: number): Promise<void>;
  /** One transaction: items (the first commissioned is 1) referred to by one more event. */
  refer(from: number, count: number): Promise<void>;
  /** One transaction: each of these items is referred to by an event of its own, and its row rewritten. */
  observe(items: readonly number[]): Promise<void>;
  /** One transaction: documents kept durably, and those kept before dropped, as an intake does. */
  keep(documents: readonly Uint8Array[]): Promise<void>;
  /** One transaction: rows read and written again. */
  rewrite(from: number, count: number): Promise<void>;
  /** One transaction: items put into the one container. */
  pack(from: number, count: number): Promise<void>;
  /** Rows of packs with lot, status, holder and place, spread as those of the service are. */
  distribute(count: number): Promise<void>;
  /** One transaction: bodies as they are stored. */
  store(bodies: readonly Uint8Array[]): Promise<void>;
  bytes(): Promise<number>;
  /** Closes and removes it. */
  end(): Promise<void>;
}

/** The bare statements of questions, over the tables of a floor. */
export interface LookUps {
  item(serial: string): Promise<unknown>;
  /** The item, the container it is in, the events of both. */
  history(serial: string): Promise<unknown>;
  contents(): Promise<unknown>;
  /** Packs counted by lot, status, holder and place. */
  scope(): Promise<unknown>;
}

export const CONTAINER = 0;
export const LOTS = 10;
/** Where the n-th pack is, in `distribute`: five holders, three statuses, in runs of a case. */
export const spread = (n: number): { lot: number; status: number; holder: number; place: number } => {
  const run = Math.floor(n / 80);
  return { lot: n % LOTS, status: run % 3, holder: run % 5, place: run % 5 };
};
