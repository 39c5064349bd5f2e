/**
 * The one error that leaves lotline: what happened, where in what the caller sent, and how to mend it.
 *
 *     throw new LotlineError('ID-CHECK', 'GTIN 00312345678901: check digit should be 6', { at: '/epcList/0', fix: 'Correct the last digit.' });
 */

/** Every code that an answer may carry: HTTP status and the EPCIS exception it is told as (epcis-2.0.md §8). Codes never change their meaning. */
export const ERROR_CODES = {
  // Documents and events (refused)
  'EV-SYNTAX': { status: 400, epcis: 'ValidationException' },
  'EV-SCHEMA': { status: 400, epcis: 'ValidationException' },
  'EV-CONTEXT': { status: 400, epcis: 'ValidationException' },
  'EV-TIMEZONE': { status: 400, epcis: 'ValidationException' },
  'EV-RULE': { status: 400, epcis: 'ValidationException' },
  'EV-STALE': { status: 409, epcis: 'ValidationException' },
  'EV-ID-TAKEN': { status: 409, epcis: 'ResourceAlreadyExistsException' },
  'PII-FOUND': { status: 400, epcis: 'ValidationException' },
  'ID-FORM': { status: 400, epcis: 'ValidationException' },
  'ID-CHECK': { status: 400, epcis: 'ValidationException' },
  'ID-LENGTH': { status: 400, epcis: 'ValidationException' },
  'ID-CHARSET': { status: 400, epcis: 'ValidationException' },
  'ID-AI': { status: 400, epcis: 'ValidationException' },
  // Refused by LOTLINE_RULES=enforce (packs-wire.md)
  'SN-DUP': { status: 409, epcis: 'ValidationException' },
  'SN-CONFLICT': { status: 409, epcis: 'ValidationException' },
  'SN-AFTER-END': { status: 409, epcis: 'ValidationException' },
  'SN-UNKNOWN': { status: 409, epcis: 'ValidationException' },
  'AGG-CYCLE': { status: 409, epcis: 'ValidationException' },
  'AGG-DOUBLE': { status: 409, epcis: 'ValidationException' },
  'AGG-UNKNOWN-CHILD': { status: 409, epcis: 'ValidationException' },
  // Serial numbers and batches
  'SN-GUESSABLE': { status: 409, epcis: 'ImplementationException' },
  'SN-STATE': { status: 409, epcis: 'ImplementationException' },
  'REC-STATE': { status: 409, epcis: 'ImplementationException' },
  'DEP-VOIDED': { status: 409, epcis: 'ValidationException' },
  'FND-STAGE': { status: 409, epcis: 'ImplementationException' },
  'VOID-DENIED': { status: 409, epcis: 'ValidationException' },
  // Requests
  'REQ-FORM': { status: 400, epcis: 'ValidationException' },
  'REQ-LIMIT': { status: 413, epcis: 'CaptureLimitExceededException' },
  'REQ-MEDIA': { status: 415, epcis: 'UnsupportedMediaTypeException' },
  'REQ-ACCEPT': { status: 406, epcis: 'NotAcceptableException' },
  'REQ-URI': { status: 414, epcis: 'URITooLongException' },
  'REQ-METHOD': { status: 405, epcis: 'ValidationException' },
  'REQ-BUSY': { status: 503, epcis: 'ImplementationException' },
  'REQ-REPEAT': { status: 422, epcis: 'ValidationException' },
  'REQ-TIME': { status: 408, epcis: 'ValidationException' },
  'QRY-PARAM': { status: 400, epcis: 'QueryParameterException' },
  'QRY-LARGE': { status: 413, epcis: 'QueryTooLargeException' },
  'QRY-COMPLEX': { status: 413, epcis: 'QueryTooComplexException' },
  'QRY-BODY': { status: 400, epcis: 'QueryValidationException' },
  'QRY-NAME': { status: 404, epcis: 'NoSuchNameException' },
  'QRY-NAME-TAKEN': { status: 409, epcis: 'ResourceAlreadyExistsException' },
  'QRY-LIMIT': { status: 409, epcis: 'ImplementationException' },
  'QRY-TOKEN': { status: 404, epcis: 'NoSuchResourceException' },
  'SUB-CONTROLS': { status: 400, epcis: 'SubscriptionControlsException' },
  'SUB-DEST': { status: 400, epcis: 'InvalidURIException' },
  'SUB-LIMIT': { status: 400, epcis: 'SubscribeNotPermittedException' },
  'NOT-FOUND': { status: 404, epcis: 'NoSuchResourceException' },
  'ACC-DENIED': { status: 401, epcis: 'SecurityException' },
  'ACC-SCOPE': { status: 403, epcis: 'SecurityException' },
  'ACC-RATE': { status: 429, epcis: 'SecurityException' },
  // People, signatures and the vault
  'ACC-PURPOSE': { status: 403, epcis: 'SecurityException' },
  'ACC-EXPIRED': { status: 401, epcis: 'SecurityException' },
  'ACC-LOCKED': { status: 429, epcis: 'SecurityException' },
  'ACC-TAKEN': { status: 409, epcis: 'ResourceAlreadyExistsException' },
  'SIG-MISSING': { status: 409, epcis: 'ValidationException' },
  'SIG-SOD': { status: 409, epcis: 'ValidationException' },
  'SIG-STALE': { status: 409, epcis: 'ValidationException' },
  'SIG-USED': { status: 409, epcis: 'ValidationException' },
  'TRN-EXPIRED': { status: 409, epcis: 'ValidationException' },
  'VLT-ERASED': { status: 410, epcis: 'ImplementationException' },
  'VLT-RESTRICTED': { status: 403, epcis: 'SecurityException' },
  'RET-TERM': { status: 409, epcis: 'ImplementationException' },
  // Chain of identity: what is blocked (domain.md §12.3, §21)
  'COI-DUP': { status: 409, epcis: 'ValidationException' },
  'COI-ORDER': { status: 409, epcis: 'ValidationException' },
  'COI-MIX': { status: 409, epcis: 'ValidationException' },
  'COI-NOMERGE': { status: 405, epcis: 'ValidationException' },
  'COI-DISAGREE': { status: 409, epcis: 'ValidationException' },
  'COI-UNBOUND': { status: 409, epcis: 'ValidationException' },
  'COI-ALLOC': { status: 409, epcis: 'ValidationException' },
  'COI-NOCHECK': { status: 409, epcis: 'ValidationException' },
  'COI-WEAKCHECK': { status: 409, epcis: 'ValidationException' },
  'COI-2P': { status: 409, epcis: 'ValidationException' },
  'COI-MISMATCH': { status: 409, epcis: 'ValidationException' },
  'COI-MANUAL': { status: 409, epcis: 'ValidationException' },
  'COI-LABEL': { status: 409, epcis: 'ValidationException' },
  'COI-CLEARANCE': { status: 409, epcis: 'ValidationException' },
  'COI-SHARED': { status: 409, epcis: 'ValidationException' },
  'COI-WRONGSITE': { status: 409, epcis: 'ValidationException' },
  'COI-WRONGPATIENT': { status: 409, epcis: 'ValidationException' },
  'COI-INFUSED-UNCHECKED': { status: 409, epcis: 'ValidationException' },
  'COI-EXPIRED': { status: 409, epcis: 'ValidationException' },
  'COI-OPEN': { status: 409, epcis: 'ValidationException' },
  'ORD-CANCELLED': { status: 409, epcis: 'ValidationException' },
  'ORD-STATE': { status: 409, epcis: 'ValidationException' },
  'OOS-PATH': { status: 409, epcis: 'ValidationException' },
  'REL-MISSING': { status: 409, epcis: 'ValidationException' },
  'COC-GAP': { status: 409, epcis: 'ValidationException' },
  'HOLD-ACTIVE': { status: 409, epcis: 'ValidationException' },
  'SENS-HOLD': { status: 409, epcis: 'ValidationException' },
  'OFFLINE-CONFLICT': { status: 409, epcis: 'ValidationException' },
  'OFFLINE-SIGNATURE': { status: 409, epcis: 'ValidationException' },
  // Labels: what is too large for its place, what cannot be printed
  'LBL-FIT': { status: 400, epcis: 'ValidationException' },
  'LBL-TEXT': { status: 400, epcis: 'ValidationException' },
  // Ledger
  'LOG-INCLUSION': { status: 409, epcis: 'ImplementationException' },
  'LOG-CONSISTENCY': { status: 409, epcis: 'ImplementationException' },
  'LOG-SIGNATURE': { status: 409, epcis: 'ImplementationException' },
  'LOG-REPLAY': { status: 409, epcis: 'ImplementationException' },
  'LOG-ROLLBACK': { status: 409, epcis: 'ImplementationException' },
  'LOG-FORK': { status: 409, epcis: 'ImplementationException' },
  // Stores that are moved: an export or backup that is not as it was written, a place that is not free
  'MOVE-FILE': { status: 400, epcis: 'ImplementationException' },
  'MOVE-TARGET': { status: 409, epcis: 'ImplementationException' },
  // Settings and the world around
  'STORE-DAMAGED': { status: 500, epcis: 'ImplementationException' },
  'CFG-VALUE': { status: 500, epcis: 'ImplementationException' },
  'NOT-SUPPORTED': { status: 501, epcis: 'ImplementationException' },
  INTERNAL: { status: 500, epcis: 'ImplementationException' },
} as const satisfies Record<string, { status: number; epcis: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** RFC 9457, with our own members `code`, `at` and `fix`. */
export type Problem = {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  /** JSON Pointer (or XPath) into what the caller sent; '' is the whole of it. */
  at: string;
  /** One imperative sentence. */
  fix: string;
  /** Every thing that offends, as canonical keys, where the code names things. */
  things?: string[];
  /** What a release or a closing waits for, item by item. */
  unmet?: Unmet[];
};

export type Unmet = { code: string; step?: string; things: string[]; message: string };

export type ErrorPlace = { at?: string; fix: string; things?: string[]; unmet?: Unmet[]; cause?: unknown };

export class LotlineError extends Error {
  override readonly name = 'LotlineError';
  readonly code: ErrorCode;
  readonly at: string;
  readonly fix: string;
  readonly things: string[] | undefined;
  readonly unmet: Unmet[] | undefined;

  constructor(code: ErrorCode, what: string, where: ErrorPlace) {
    super(what, where.cause === undefined ? undefined : { cause: where.cause });
    this.code = code;
    this.at = where.at ?? '';
    this.fix = where.fix;
    this.things = where.things;
    this.unmet = where.unmet;
  }

  /** The same error seen from further out: `at` gets a prefix. */
  within(prefix: string): LotlineError {
    return new LotlineError(this.code, this.message, {
      at: prefix + this.at,
      fix: this.fix,
      ...(this.things && { things: this.things }),
      ...(this.unmet && { unmet: this.unmet }),
      cause: this.cause,
    });
  }

  toProblem(status: number = ERROR_CODES[this.code].status): Problem {
    return {
      type: `epcisException:${ERROR_CODES[this.code].epcis}`,
      title: this.message,
      status,
      detail: `${this.message}${this.at ? ` (at ${this.at})` : ''}. ${this.fix}`,
      code: this.code,
      at: this.at,
      fix: this.fix,
      ...(this.things && { things: this.things }),
      ...(this.unmet && { unmet: this.unmet }),
    };
  }
}
