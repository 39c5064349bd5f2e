import type { Problem } from '../../errors.ts';
import { plainAttribute, plainElement, qualifiedElement, textElement } from './element.ts';
import type { XmlElement } from './tree.ts';

const EPCIS_NAMESPACE = 'urn:epcglobal:epcis:xsd:2';
/** Our own members of a problem, beside those of RFC 7807. */
const PROBLEM_NAMESPACE = 'urn:lotline:problem';

export type XmlProblem = Omit<Partial<Problem>, 'status'> & {
  readonly type: string;
  readonly title: string;
  readonly status?: number;
  readonly instance?: string;
  /** The other faults of a refused document. */
  readonly errors?: readonly XmlProblem[];
};

/** A capture job as it is told; `errorFile` takes the place of `errors` where there is one. */
export type XmlCaptureJob = {
  readonly captureID: string;
  readonly running: boolean;
  readonly success: boolean;
  readonly captureErrorBehaviour: 'rollback' | 'proceed';
  readonly createdAt?: string;
  readonly finishedAt?: string;
  readonly errors?: readonly XmlProblem[];
  readonly errorFile?: string;
};

/** A problem as an `epcis:EPCISException` (§8): the members of RFC 7807, then `code`, `at`, `fix` and `things` in a namespace of our own. */
export function problemToXml(problem: XmlProblem): XmlElement {
  return { ...qualifiedElement('epcis', EPCIS_NAMESPACE, 'EPCISException', problemChildren(problem)), declares: declarations([problem]) };
}

/** A capture job as an `epcis:EPCISCaptureJob`. The schema takes no empty list of errors (T-12). */
export function captureJobToXml(job: XmlCaptureJob): XmlElement {
  const attributes = [
    plainAttribute('running', String(job.running)),
    plainAttribute('success', String(job.success)),
    plainAttribute('captureID', job.captureID),
  ];
  const errors = (job.errors ?? []).map((problem) => plainElement('error', problemChildren(problem)));
  const children = [textElement('captureErrorBehaviour', job.captureErrorBehaviour)];
  if (job.createdAt !== undefined) children.push(textElement('createdAt', job.createdAt));
  if (job.finishedAt !== undefined) children.push(textElement('finishedAt', job.finishedAt));
  if (job.errorFile !== undefined) children.push(textElement('errorFile', job.errorFile));
  else if (errors.length > 0) children.push(plainElement('errors', errors));
  return {
    ...qualifiedElement('epcis', EPCIS_NAMESPACE, 'EPCISCaptureJob', children, attributes),
    declares: declarations(job.errors ?? []),
  };
}

function declarations(problems: readonly XmlProblem[]): Readonly<Record<string, string>> {
  const ours = problems.some((problem) => problem.code !== undefined || problem.errors !== undefined);
  return { epcis: EPCIS_NAMESPACE, ...(ours && { lotline: PROBLEM_NAMESPACE }) };
}

function problemChildren(problem: XmlProblem): readonly XmlElement[] {
  const { type, title, status, detail, instance, code, at, fix, things, errors } = problem;
  const own = (local: string, text: string) => qualifiedElement('lotline', PROBLEM_NAMESPACE, local, text === '' ? [] : [text]);
  const given = (local: string, value: string | number | undefined, make: (local: string, text: string) => XmlElement) =>
    value === undefined ? [] : [make(local, String(value))];
  return [
    textElement('type', type),
    textElement('title', title),
    ...given('status', status, textElement),
    ...given('detail', detail, textElement),
    ...given('instance', instance, textElement),
    ...given('code', code, own),
    ...given('at', at, own),
    ...given('fix', fix, own),
    ...(things ?? []).map((thing) => own('thing', thing)),
    ...(errors ?? []).map((error) => qualifiedElement('lotline', PROBLEM_NAMESPACE, 'error', problemChildren(error))),
  ];
}
