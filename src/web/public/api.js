/**
 * Asks the server. The key is kept for this tab alone (sessionStorage) and travels in a header, never in an address.
 */
const KEY = 'lotline.key';

export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (text) => sessionStorage.setItem(KEY, text),
  forget: () => sessionStorage.removeItem(KEY),
};

/** A problem answer (RFC 9457) as an error. */
export class ProblemError extends Error {
  constructor(problem) {
    super(problem.title);
    this.problem = problem;
  }
}

/** The response of a request with the key; every answer that is no success throws its problem. */
export async function send(path, { headers = {}, ...rest } = {}) {
  let response;
  try {
    response = await fetch(path, { ...rest, headers: { ...headers, authorization: `Bearer ${key.get() ?? ''}` }, cache: 'no-store' });
  } catch {
    throw new ProblemError({ title: 'The server does not answer', fix: 'See whether it is running, then try again.' });
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  if (response.status === 401) dispatchEvent(new CustomEvent('key-refused'));
  throw new ProblemError({ title: `The server answered ${response.status}`, ...told, status: response.status });
}

export async function getJson(path) {
  return await (await send(path, { headers: { accept: 'application/json' } })).json();
}

/** A question about a thing, with the times in force. */
export function ask(path, parameters = {}) {
  const query = new URLSearchParams(
    Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== ''),
  );
  return getJson(`/api/v1/${path}${query.size > 0 ? `?${query}` : ''}`);
}

/** A list page and the way to the next one, from its Link header. */
export async function getPage(path) {
  const response = await send(path, { headers: { accept: 'application/json' } });
  const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.headers.get('link') ?? '')?.[1] ?? null;
  return { page: await response.json(), next: next && new URL(next, new URL(path, location.href)).href };
}
