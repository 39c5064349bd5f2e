import { keyByHash, listKeys, people, personWithSecret, sessionByHash, signingTokens } from '../access/questions.ts';
import { read, reads } from '../access/reads.ts';
import { signature, signaturesAbout } from '../access/stored-signatures.ts';
import { vaultCheck, vaultErasures, vaultInUse, vaultKnows, vaultLinks, vaultRow, vaultSalt } from '../access/vault/questions.ts';
import { contents, history, notificationForm, scope, similarStock, thing, whereFrom, whereUsed } from '../genealogy/index.ts';
import { exposed, materials } from '../identity/answers/exposure.ts';
import { lookBack } from '../identity/answers/look-back.ts';
import {
  chainCoPresence,
  chainTimeline,
  containerIdentity,
  fhirOf,
  identityKpis,
  missingIdentityChecks,
} from '../identity/answers/questions.ts';
import { dryAct } from '../identity/checks/dry-act.ts';
import { checkFacts } from '../identity/checks/questions.ts';
import { shipmentTemperature } from '../identity/cold/questions.ts';
import { custodyOf, shipmentsBySeal } from '../identity/custody/questions.ts';
import { deviceState, entryTold, postThawMinutes, syncedBefore } from '../identity/offline/questions.ts';
import { allocationOf, labelJob, orderChain, orders, products, releaseGate } from '../identity/orders/questions.ts';
import { actAnswer, chainsOfOrders, chainView } from '../identity/questions/acts.ts';
import { consistency, entryBundle, inclusion, latestCheckpoint, tile } from '../ledger/questions.ts';
import { findingPlace, findings } from '../lifecycle/list-findings.ts';
import { duePages, safetyFindings } from '../lifecycle/patient-safety.ts';
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
import { chainReport } from './chain-report.ts';
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
  actAnswer,
  allocationOf,
  labelJob,
  orderChain,
  orders,
  products,
  releaseGate,
  chainsOfOrders,
  chainView,
  checkFacts,
  custodyOf,
  deviceState,
  dryAct,
  entryTold,
  postThawMinutes,
  syncedBefore,
  shipmentTemperature,
  shipmentsBySeal,
  chainCoPresence,
  chainReport,
  chainTimeline,
  containerIdentity,
  exposed,
  fhirOf,
  identityKpis,
  lookBack,
  materials,
  missingIdentityChecks,
  batch,
  batches,
  captureJobs,
  capturedDocument,
  consistency,
  contents,
  duePages,
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
  people,
  personWithSecret,
  pool,
  pools,
  read,
  reads,
  report,
  resolved,
  resourceMembers,
  scope,
  safetyFindings,
  sealedContent,
  sessionByHash,
  sightingsOf,
  signature,
  signaturesAbout,
  signingTokens,
  similarStock,
  restored,
  storeCounts,
  subscriptions,
  thing,
  tile,
  vaultCheck,
  vaultErasures,
  vaultInUse,
  vaultKnows,
  vaultLinks,
  vaultRow,
  vaultSalt,
  verificationByCorr,
  verifications,
  whereFrom,
  whereUsed,
} satisfies Record<string, (db: Db, args: never) => Promise<unknown>>;

export type Questions = typeof questions;
export type QuestionName = keyof Questions;
