import { keyByHash, listKeys } from '../access/questions.ts';
import { contents, history, notificationForm, scope, similarStock, thing, whereFrom, whereUsed } from '../genealogy/index.ts';
import { consistency, entryBundle, inclusion, latestCheckpoint, tile } from '../ledger/questions.ts';
import { findingPlace, findings } from '../lifecycle/list-findings.ts';
import { restored } from '../moving/restored.ts';
import { batch, batches, grantedNumbers, grantKnown, pool, pools } from '../numbers/index.ts';
import { linksOf, resolved } from '../resolver/questions.ts';
import type { Db } from '../store/db.ts';
import { sightingsOf } from '../verification/clones.ts';
import { packFacts } from '../verification/facts.ts';
import {
  endReason,
  licencesKept,
  makerOf,
  otherProduct,
  sealedContent,
  verificationByCorr,
  verifications,
} from '../verification/questions.ts';
import { captureJobs } from './capture-jobs.ts';
import { capturedDocument } from './captured-document.ts';
import { eventDocument, eventIDOf, eventPage } from './event-answer.ts';
import { masterdata, masterdataElement, masterdataHistory } from './masterdata.ts';
import { keptCounts, namedQueries } from './named-queries.ts';
import { packLines } from './pack-lines.ts';
import { journalEnd, report } from './report.ts';
import { hasMember, resourceMembers } from './resources.ts';
import { storeCounts } from './store-counts.ts';
import { subscriptions } from './subscriptions.ts';

/** Every question that may be asked of the store, by name. Arguments and answers are plain values, so that a question can go to another thread. */
export const questions = {
  batch,
  batches,
  captureJobs,
  capturedDocument,
  consistency,
  contents,
  endReason,
  entryBundle,
  eventDocument,
  eventIDOf,
  eventPage,
  findingPlace,
  findings,
  grantKnown,
  grantedNumbers,
  hasMember,
  history,
  inclusion,
  journalEnd,
  keptCounts,
  keyByHash,
  latestCheckpoint,
  linksOf,
  licencesKept,
  listKeys,
  makerOf,
  masterdata,
  masterdataElement,
  masterdataHistory,
  namedQueries,
  notificationForm,
  otherProduct,
  packFacts,
  packLines,
  pool,
  pools,
  report,
  resolved,
  resourceMembers,
  scope,
  sealedContent,
  sightingsOf,
  similarStock,
  restored,
  storeCounts,
  subscriptions,
  thing,
  tile,
  verificationByCorr,
  verifications,
  whereFrom,
  whereUsed,
} satisfies Record<string, (db: Db, args: never) => Promise<unknown>>;

export type Questions = typeof questions;
export type QuestionName = keyof Questions;
