import type { FastifyPluginAsync, FastifyPluginCallback } from 'fastify';
import type { Keys, People, Signatures, Vault } from '../access/index.ts';
import type { DocumentReaders } from '../capture/document-readers.ts';
import type { CaptureService } from '../capture/service.ts';
import type { SourceClocks } from '../integrations/source-clocks.ts';
import type { Readers } from '../query/readers.ts';
import type { Settings } from '../settings.ts';
import type { Deliveries } from '../subscriptions/deliveries.ts';
import type { Sockets } from '../subscriptions/sockets.ts';
import type { PackOperations } from '../verification/pack-operations.ts';
import type { Verification } from '../verification/verification.ts';
import type { ApiLimits } from './limits.ts';

/** What the doors are given. Nothing else of the house is known to them. */
export type ApiDeps = {
  readonly settings: Settings;
  readonly capture: CaptureService;
  readonly readers: Readers;
  readonly documents: DocumentReaders;
  readonly deliveries: Deliveries;
  readonly sockets: Sockets;
  /** Watches whether the sources of events have the right time. */
  readonly clocks: SourceClocks;
  readonly keys: Keys;
  readonly people: People;
  /** What people sign with, and what acts rest on. */
  readonly signatures: Signatures;
  /** Who patients and donors are. */
  readonly vault: Vault;
  /** Notes what was erased beside the store, where no restore writes over it. */
  readonly noteErasures: () => Promise<void>;
  readonly verification: Verification;
  readonly packs: PackOperations;
  /** The log's public key, in the form in which it is handed on. */
  readonly vkey: string;
  /** What the HTTP side takes on; API_LIMITS where nothing is given. */
  readonly limits?: Partial<ApiLimits>;
  /** Where faults of this program are told; standard error when not given. */
  readonly log?: (line: string) => void;
  /** Further doors, such as the web page; they declare their routes' access like ours. */
  readonly plugins?: readonly (FastifyPluginAsync | FastifyPluginCallback)[];
};
