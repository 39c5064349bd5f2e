import { createHash } from 'node:crypto';

/** The page asks for /status with the key that its reader types, which it keeps for as long as the tab is open. */
const SCRIPT = `
const $ = (id) => document.getElementById(id);
$('key').value = sessionStorage.getItem('key') ?? '';
$('key').addEventListener('change', () => { sessionStorage.setItem('key', $('key').value); show(); });
async function show() {
  if ($('key').value === '') return;
  const answer = await fetch('status', { headers: { authorization: 'Bearer ' + $('key').value } }).catch(() => null);
  if (answer === null || !answer.ok) { $('state').textContent = answer === null ? 'The gateway does not answer.' : 'The key is not taken.'; return; }
  const s = await answer.json();
  $('state').textContent = '';
  const age = (iso) => iso === null ? '' : new Date(iso).toLocaleString();
  const rows = [
    ['Gateway', s.name], ['Forwards to', s.upstream],
    ['Link', s.link + ' since ' + age(s.linkSince)],
    ['Last fault', s.lastError === null ? 'none' : age(s.lastError.at) + ': ' + s.lastError.message],
    ['Waiting', s.waiting.documents + ' documents, ' + s.waiting.events + ' events, ' + s.waiting.bytes + ' bytes'],
    ['Oldest waiting', age(s.waiting.oldest)],
    ['Forwarded', s.forwarded.documents + ' documents, ' + s.forwarded.events + ' events'],
    ['Refused by the service', s.refused + (s.refused > 0 ? ' (GET /refused)' : '')],
    ['This clock is ahead by', s.clockOffsetMs === null ? 'not measured yet' : s.clockOffsetMs + ' ms'],
  ];
  $('rows').replaceChildren(...rows.map((row) => {
    const tr = document.createElement('tr');
    tr.append(...row.map((text, i) => { const cell = document.createElement(i === 0 ? 'th' : 'td'); cell.textContent = text; return cell; }));
    return tr;
  }));
}
show();
setInterval(show, 2000);
`;
const STYLE = 'body{font:1rem system-ui;margin:2rem;max-width:50rem}th{text-align:left;padding:.3rem 1.5rem .3rem 0;vertical-align:top}';

const HTML = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>lotline gateway</title><meta name="viewport" content="width=device-width">
<style>${STYLE}</style>
<h1>lotline gateway</h1>
<p><label>Key of this gateway <input id="key" type="password" size="50" autocomplete="off"></label></p>
<p id="state" role="status"></p>
<table id="rows"></table>
<script>${SCRIPT}</script>
</html>
`;

const digest = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** What an operator sees of a gateway in a browser, and the policy that lets nothing but it run. */
export function gatewayPage(): { html: string; policy: string } {
  const policy = `default-src 'none'; script-src ${digest(SCRIPT)}; style-src ${digest(STYLE)}; connect-src 'self'; base-uri 'none'; form-action 'none'`;
  return { html: HTML, policy };
}
