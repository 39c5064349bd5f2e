/**
 * The page at `/`: type or scan a thing or a lot, and see what it is, what happened to it, what it came from and became, and where its packs
 * are. It asks the same API as everybody else; the address after # says what is shown.
 */
import { ask, getJson, key, send } from './api.js';
import { showChain, showOrders } from './chains.js';
import { fill, h, linkTo, moment, problem, say, thingLink } from './dom.js';
import { showFindings } from './findings.js';
import { showGenealogy } from './genealogy.js';
import { showScope } from './scope.js';
import { showContents, showHistory, showThing, words } from './thing.js';

const main = document.querySelector('#main');
const VIEWS = { thing: 'History', from: 'Where from', used: 'Where used', scope: 'Packs', contents: 'Contents', flags: 'Findings' };

/** Where the page is: `#/scope?of=…&at=…&known=…`. */
function here() {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const parameters = new URLSearchParams(query);
  const times = Object.fromEntries(['at', 'known'].flatMap((name) => (parameters.get(name) ? [[name, parameters.get(name)]] : [])));
  return { view: path, of: parameters.get('of') ?? '', times };
}

function show() {
  const { view, of, times } = here();
  const known = key.get() !== null;
  document.querySelector('#search').hidden = !known;
  document.querySelector('#links').hidden = !known;
  document.querySelector('#times').replaceChildren();
  if (!of) shown = { id: '', now: null };
  if (!known) return askForKey();
  document.querySelector('#of').value = of;
  if (view === 'findings') {
    document.title = 'Findings – lotline';
    main.replaceChildren(h('section', { class: 'card' }, h('h1', {}, 'Findings'), showFindings()));
  } else if (view === 'orders') {
    document.title = 'Orders – lotline';
    main.replaceChildren(h('section', { class: 'card' }, h('h1', {}, 'Orders'), showOrders()));
  } else if (view === 'chain' && of) {
    document.title = `${of} – lotline`;
    main.replaceChildren(h('section', { class: 'card' }, h('h1', {}, of), showChain(of)));
  } else if (of) showOne(view in VIEWS ? view : 'thing', of, times);
  else showStart();
}

// ------------------------------------------------------------------------------------------------ key

function askForKey(refused = false) {
  document.title = 'lotline';
  const box = h('input', { id: 'key', type: 'password', autocomplete: 'off', required: true, spellcheck: 'false' });
  const told = h(
    'div',
    {},
    refused && h('div', { class: 'problem', role: 'alert' }, h('p', { class: 'what' }, 'That key is not known here, or was ended.')),
  );
  main.replaceChildren(
    h(
      'section',
      { class: 'card narrow' },
      h('h1', {}, 'What became of it, and where is it now?'),
      h('p', {}, 'lotline keeps the events of serialized medicines, answers what a lot became, and proves that nothing was changed since.'),
      h(
        'form',
        {
          class: 'stack',
          onsubmit: async (submit) => {
            submit.preventDefault();
            key.set(box.value.trim());
            try {
              await send('/api/v1/findings?perPage=1');
              show();
            } catch (error) {
              key.forget();
              told.replaceChildren(problem(error));
            }
          },
        },
        h('label', { for: 'key' }, 'API key'),
        box,
        h('button', { type: 'submit' }, 'Go on'),
        told,
      ),
      h(
        'p',
        { class: 'note' },
        'The first start of the server prints an admin key; an admin makes others, for readers too. The key stays in this tab and is gone when you close it.',
      ),
    ),
  );
  box.focus();
}

addEventListener('key-refused', () => {
  if (key.get() === null || document.querySelector('#key')) return;
  key.forget();
  show();
  askForKey(true);
});

document.querySelector('#forget').addEventListener('click', () => {
  key.forget();
  location.hash = '#/';
  show();
});

// ------------------------------------------------------------------------------------------------ start

const LATEST = 8;
const SPELLINGS = [
  '01/09520123000318/10/R1',
  '(01)09520123000318(10)R1',
  'https://id.gs1.org/01/09520123000318/10/R1',
  'urn:epc:class:lgtin:9520123.000031.R1',
];

function showStart() {
  document.title = 'lotline';
  const latest = h('div', { class: 'answer' });
  const made = h('div', { class: 'answer' });
  main.replaceChildren(
    h(
      'section',
      { class: 'card' },
      h('h1', {}, 'What became of it, and where is it now?'),
      h('p', {}, 'Scan or type a pack, a case, a pallet or a lot above. All spellings of one thing lead to the same answer:'),
      h(
        'ul',
        { class: 'spellings' },
        SPELLINGS.map((text) => h('li', {}, h('code', {}, text))),
      ),
    ),
    h(
      'div',
      { class: 'pair' },
      h('section', { class: 'card' }, h('h2', {}, 'Made lately'), made),
      h('section', { class: 'card' }, h('h2', {}, 'Happened lately'), latest),
    ),
  );
  const lately = (more) =>
    `/epcis/events?${new URLSearchParams({ perPage: LATEST, orderBy: 'eventTime', orderDirection: 'DESC', ...more })}`;
  const eventsOf = (answer) => (answer.epcisBody?.queryResults?.resultsBody?.eventList ?? []).slice(0, LATEST);
  void fill(
    made,
    'what was made lately',
    () => getJson(lately({ eventType: 'TransformationEvent' })),
    (answer) => {
      const events = eventsOf(answer);
      return events.length === 0
        ? h('p', { class: 'none' }, 'No event tells of anything made.')
        : h('ul', { class: 'latest' }, events.map(madeLine));
    },
  );
  void fill(
    latest,
    'the latest events',
    () => getJson(lately({})),
    (answer) => {
      const events = eventsOf(answer);
      return events.length === 0 ? emptyStore() : h('ul', { class: 'latest' }, events.map(latestLine));
    },
  );
  document.querySelector('#of').focus();
}

const classesOf = (list) => (list ?? []).map((quantity) => quantity.epcClass);

function madeLine(event) {
  const inputs = [...(event.inputEPCList ?? []), ...classesOf(event.inputQuantityList)];
  const outputs = [...classesOf(event.outputQuantityList), ...(event.outputEPCList ?? [])];
  const few = (keys) => [thingLink(keys[0], short(keys[0])), keys.length > 1 && h('span', { class: 'note' }, ` + ${keys.length - 1}`)];
  const told =
    inputs.length === 0 ? [few(outputs), ' made'] : outputs.length === 0 ? [few(inputs), ' used'] : [few(outputs), ' from ', few(inputs)];
  return h('li', {}, moment(event.eventTime), h('span', {}, told));
}

/** The telling end of an identifier: product and lot or serial. */
const short = (epc) => epc.replace(/^.*\/(01|00|8003|8004)\//, '').replace(/^urn:epc:(id|class):/, '');

function latestLine(event) {
  const things = [
    event.parentID,
    ...(event.epcList ?? []),
    ...classesOf(event.outputQuantityList),
    ...classesOf(event.quantityList),
    ...(event.outputEPCList ?? []),
    ...(event.childEPCs ?? []),
  ].filter(Boolean);
  return h(
    'li',
    {},
    moment(event.eventTime),
    h(
      'span',
      {},
      h('strong', {}, words(event.bizStep) ?? event.type),
      ' ',
      things[0] && thingLink(things[0], short(things[0])),
      things.length > 1 && h('span', { class: 'note' }, ` + ${things.length - 1}`),
    ),
  );
}

function emptyStore() {
  return [
    h('p', {}, 'This store has no events yet. To look around in a world of packs, lots and pallets, stop the server and start the demo:'),
    h('pre', {}, 'npm run demo'),
    h('p', {}, 'or capture a first document with POST /epcis/capture; the README has one to paste.'),
  ];
}

// ------------------------------------------------------------------------------------------------ one thing

/** The thing on the page; going from one question about it to the next does not ask again what it is. */
let shown = { id: '', now: null };

function showOne(view, of, times) {
  document.title = `${of} – lotline`;
  document.querySelector('#times').replaceChildren(timeControls(view, of, times));
  const id = JSON.stringify([of, times]);
  if (shown.id === id) return showAnswer(view, of, times);
  const now = h('div', { class: 'answer' });
  shown = { id: '', now };
  main.replaceChildren(now);
  void fill(
    now,
    'what it is',
    () => ask(`things/${encodeURIComponent(of)}`, times),
    (thing) => {
      if (shown.now !== now) return []; // another one was asked for meanwhile
      shown.id = id;
      say(`${thing.name ?? thing.key}: ${thing.status ?? thing.kind}`);
      showAnswer(here().view, of, times);
      return showThing(thing, times);
    },
  );
}

const ANSWERS = {
  thing: showHistory,
  from: (of, times) => showGenealogy(of, 'from', times),
  used: (of, times) => showGenealogy(of, 'used', times),
  scope: showScope,
  contents: showContents,
  flags: (of) => showFindings({ thing: of }),
};

/** The questions about the thing, and the answer to one of them. What is not known has no questions: its problem is told once. */
function showAnswer(wanted, of, times) {
  const view = wanted in VIEWS ? wanted : 'thing';
  const tabs = Object.entries(VIEWS).map(([name, title]) =>
    h('a', { href: linkTo(of, name), 'aria-current': name === view ? 'page' : null }, title),
  );
  main.replaceChildren(
    shown.now,
    h('nav', { class: 'tabs', 'aria-label': 'Questions about it' }, tabs),
    h('section', { class: 'card' }, ANSWERS[view](of, times)),
  );
  main.querySelector('[aria-current]').scrollIntoView({ block: 'nearest', inline: 'center' });
}

/** The two times of a question (domain.md §0): what had happened by then, and what was known by then. */
function timeControls(view, of, times) {
  const box = (name) => h('input', { type: 'datetime-local', id: name, step: '1', value: localOf(times[name]) });
  const [at, known] = [box('at'), box('known')];
  const go = (next) => {
    const query = new URLSearchParams({ of });
    for (const [name, value] of Object.entries(next)) if (value) query.set(name, value);
    location.hash = `#/${view}?${query}`;
  };
  const set = Object.keys(times).length > 0;
  return h(
    'details',
    { class: set ? 'times set' : 'times', open: set },
    h('summary', {}, set ? 'As of another time' : 'As of now'),
    h(
      'form',
      {
        onsubmit: (submit) => {
          submit.preventDefault();
          go({ at: isoOf(at.value), known: isoOf(known.value) });
        },
      },
      h('label', { for: 'at' }, 'as happened until ', at),
      h('label', { for: 'known' }, 'as known at ', known),
      h('button', { type: 'submit' }, 'Show'),
      set && h('button', { type: 'button', class: 'quiet', onclick: () => go({}) }, 'Back to now'),
    ),
  );
}

const isoOf = (local) => (local ? new Date(local).toISOString() : '');
const localOf = (iso) => (iso ? new Date(iso).toLocaleString('sv-SE').slice(0, 19).replace(' ', 'T') : '');

// ------------------------------------------------------------------------------------------------ finding

/** What a scanner sends as it is: with a symbology prefix or separators, or an element string without brackets. */
const isScan = (text) => /^\][A-Za-z]\d/.test(text) || text.includes('\u001d') || /^(01|00|02)\d{14,}/.test(text);

/** An identifier of a chain of identity, with or without its keyboard check character. */
const isChain = (text) => /^CH[A-NP-Z1-9][0-9A-Z]{4}[0-9]{2}[0-9A-Z]{6}[0-9A-Z*]?$/i.test(text);

document.querySelector('#find').addEventListener('submit', (submit) => {
  submit.preventDefault();
  void find();
});

async function find() {
  const text = document.querySelector('#of').value.trim();
  if (text === '') return;
  if (isChain(text)) {
    location.hash = `#/chain?${new URLSearchParams({ of: text.toUpperCase() })}`;
    return;
  }
  const { view, times } = here();
  let of = text;
  if (isScan(text)) {
    try {
      const response = await send('/api/v1/scan', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ scan: text, entry: 'scanner' }),
      });
      of = (await response.json()).key ?? text;
    } catch {
      // The look-up that follows tells what is wrong with it.
    }
  }
  const next = `#/${view in VIEWS ? view : 'thing'}?${new URLSearchParams({ of, ...times })}`;
  if (next === location.hash) show();
  else location.hash = next;
}

// A scanner types like a keyboard, wherever the focus is: what it types goes into the box. A slash only leads there.
addEventListener('keydown', (press) => {
  if (press.key.length !== 1 || press.key === ' ' || press.ctrlKey || press.metaKey || press.altKey) return;
  if (press.target.closest('input, select, textarea') || document.querySelector('#search').hidden) return;
  if (press.key === '/') press.preventDefault();
  document.querySelector('#of').select();
});

addEventListener('hashchange', () => {
  show();
  if (document.activeElement === document.body) main.focus({ preventScroll: true });
});
show();
