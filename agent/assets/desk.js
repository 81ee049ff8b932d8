// The desk page. One tap = one UUID and one day, drawn here at the tap and never drawn again:
// whatever is lost on the way is sent again under the same name, so it counts once. A tap stays
// in this browser until the agent answered for it.
'use strict';
(() => {
  const POLL_MS = 2000, ANSWER_MS = 10000, RETRY_MS = 1000, RETRY_MS_MAX = 10000;
  const $ = (id) => document.getElementById(id);
  const desk = document.body.dataset;
  const prefix = `msap.${desk.site}.tap.`;

  // --- what is not answered for yet -------------------------------------------------------
  // One entry of localStorage per tap: two windows never overwrite each other's.
  const jobs = new Map();
  let counter = 0;

  function store(job) {
    jobs.set(job.id, job);
    try { localStorage.setItem(prefix + job.id, JSON.stringify(job)); } catch { /* kept in memory */ }
  }
  function settle(job) {
    if (job.post || job.patch || job.undo) { store(job); return; }
    jobs.delete(job.id);
    try { localStorage.removeItem(prefix + job.id); } catch { /* was in memory only */ }
  }
  function restore() {
    try {
      for (const key of Object.keys(localStorage)) {
        if (!key.startsWith(prefix)) continue;
        try {
          const job = JSON.parse(localStorage.getItem(key));
          if (job && job.id && (job.post || job.patch || job.undo)) jobs.set(job.id, job);
        } catch { /* not ours to throw away */ }
      }
    } catch { /* no storage in this browser */ }
  }
  function job(id) {
    return jobs.get(id) || { id, order: Date.now() * 1000 + (counter++ % 1000), post: null, patch: null, undo: false };
  }
  const next = () => [...jobs.values()].sort((a, b) => a.order - b.order)[0];

  // --- sending --------------------------------------------------------------------------------
  async function ask(method, path, body) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), ANSWER_MS);
    try {
      const init = { method, signal: abort.signal, cache: 'no-store' };
      if (body !== undefined) { init.headers = { 'content-type': 'application/json' }; init.body = JSON.stringify(body); }
      const answer = await fetch(path, init);
      return { status: answer.status, ok: answer.ok, body: await answer.json().catch(() => ({})) };
    } finally { clearTimeout(timer); }
  }

  let working = false, retry = RETRY_MS, timer = 0;

  async function work() {
    if (working) return;
    working = true;
    clearTimeout(timer);
    let settled = false;
    try {
      for (let todo = next(); todo; todo = next()) {
        if (!await step(todo)) {
          timer = setTimeout(work, retry);
          retry = Math.min(retry * 2, RETRY_MS_MAX);
          return;
        }
        retry = RETRY_MS;
        settled = true;
      }
    } finally {
      working = false;
      down();
      if (settled) refresh();
    }
  }

  // Sends one thing; false when it must be sent again later.
  async function step(todo) {
    // More may be asked of the same tap while this is on its way: only what was sent is settled.
    const sent = todo.post ? 'post' : todo.undo ? 'undo' : 'patch', patch = todo.patch;
    const path = `/api/visits/${encodeURIComponent(todo.id)}`;
    let answer;
    try {
      if (sent === 'post') answer = await ask('POST', '/api/visits', todo.post);
      else if (sent === 'undo') answer = await ask('DELETE', path);
      else answer = await ask('PATCH', path, patch);
    } catch { reachable = false; return false; }
    reachable = true;
    const final = [400, 404, 409, 422].includes(answer.status);
    if (!answer.ok && !final) {
      const why = answer.body.detail || 'l’agent n’a pas pu enregistrer';
      fail(`${why[0].toUpperCase()}${why.slice(1)}. La page réessaie ; ne comptez pas deux fois.`);
      return false;
    }
    const lost = final && sent === 'post';
    if (final) fail(`${lost ? 'Visite non comptée' : 'Correction non faite'} : ${answer.body.detail || answer.status}`, true);
    else fail('');
    if (sent === 'post') todo.post = null;
    if (sent === 'undo' || lost) { todo.undo = false; todo.patch = null; }
    if (sent === 'patch' && todo.patch === patch) todo.patch = null;
    settle(todo);
    if (card && card.id === todo.id && !jobs.has(todo.id)) {
      card.stage = lost ? 'refused' : sent === 'undo' && !final ? 'undone' : 'kept';
      card.parts = (answer.body.also_undone || []).length;
      draw();
      if (!final) say(`${card.label} : ${sent === 'undo' ? `annulé${parts()}` : 'enregistré sur ce poste'}`);
    }
    return true;
  }

  // --- tapping --------------------------------------------------------------------------------
  function uuid() {
    if (crypto.randomUUID) return crypto.randomUUID();
    const b = crypto.getRandomValues(new Uint8Array(16));
    b[6] = (b[6] & 15) | 64;
    b[8] = (b[8] & 63) | 128;
    const hex = [...b].map((x) => x.toString(16).padStart(2, '0')).join('');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }
  // The site's day at this moment, even when the agent cannot be asked; where the clock is not
  // believed, the day that a person gave.
  function today() {
    if (desk.doubted === 'true') return desk.today;
    try {
      const parts = new Intl.DateTimeFormat('en-GB', { timeZone: desk.timezone, year: 'numeric', month: '2-digit', day: '2-digit' }).formatToParts(new Date());
      const part = (type) => parts.find((p) => p.type === type).value;
      return `${part('year')}-${part('month')}-${part('day')}`;
    } catch { return desk.today; }
  }
  function clock() {
    try { return new Intl.DateTimeFormat('fr-FR', { timeZone: desk.timezone, hour: '2-digit', minute: '2-digit' }).format(new Date()); } catch { return ''; }
  }

  let card = null, sameVisit = false, reachable = true;

  function tap(button) {
    if (desk.asked === 'true') {
      fail('Visite non comptée : dites d’abord quel jour nous sommes, en haut de la page.', true);
      ($('day-likely') || $('day-given')).focus();
      return;
    }
    const id = uuid(), operator = button.dataset.operator;
    const todo = job(id);
    todo.post = { id, operator, help: 'online', age: 'unknown', day: today() };
    if (sameVisit) todo.post.same_visit = true;
    card = { id, label: button.querySelector('.name').textContent, help: 'online', age: 'unknown', time: clock(), same: sameVisit, stage: 'sending' };
    together(false);
    stays = false;
    fail('');
    store(todo);
    for (const other of document.querySelectorAll('.op.last')) other.classList.remove('last');
    button.classList.add('last');
    draw();
    work();
  }

  function refine(field, value) {
    if (!card || !['sending', 'kept'].includes(card.stage) || card[field] === value) return;
    card[field] = value;
    card.stage = 'sending';
    const todo = job(card.id);
    todo.patch = { ...todo.patch, [field]: value };
    store(todo);
    draw();
    work();
  }

  function undo() {
    let id = card && (card.stage === 'kept' || card.stage === 'sending') ? card.id : null;
    if (!id) {
      const row = document.querySelector('#taps tr[data-undone="false"]');
      if (!row) { say('Rien à annuler'); return; }
      pick(row);
      id = card.id;
    }
    const todo = job(id);
    todo.undo = true;
    todo.patch = null;
    store(todo);
    card.stage = 'undoing';
    draw();
    work();
  }

  function pick(row) {
    const d = row.dataset;
    card = { id: d.ref, label: d.label, help: d.help, age: d.age, time: d.time, same: false, stage: 'kept' };
    draw();
  }

  function together(on) {
    sameVisit = on;
    $('same').setAttribute('aria-pressed', String(on));
  }

  // --- showing --------------------------------------------------------------------------------
  const STAGES = {
    sending: ['warn', 'i-wait', 'Envoi à ce poste…', 'sending'],
    kept: ['ok', 'i-ok', 'Enregistré sur ce poste', ''],
    undoing: ['warn', 'i-wait', 'Annulation…', 'sending'],
    undone: ['', 'i-undo', 'Annulé', 'off'],
    refused: ['bad', 'i-warn', 'Non compté', 'off'],
  };

  // What was undone with a visit.
  const parts = () => (card.parts ? `, avec ${card.parts} ${card.parts === 1 ? 'autre démarche' : 'autres démarches'}` : '');

  function draw() {
    const [color, icon, words, frame] = STAGES[card.stage];
    $('done').hidden = false;
    $('done').className = `done ${frame}`;
    const tag = $('done-tag');
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
    svg.setAttribute('class', 'ic');
    svg.setAttribute('aria-hidden', 'true');
    use.setAttribute('href', `#${icon}`);
    svg.append(use);
    tag.className = `tag ${color}`;
    tag.replaceChildren(svg, card.stage === 'undone' ? words + parts() : words);
    const name = document.createElement('b');
    name.textContent = card.label;
    $('done-title').replaceChildren(name, ` ${card.time}${card.same ? ' — autre démarche de la même visite' : ''}`);
    const over = !['sending', 'kept'].includes(card.stage);
    $('refine').hidden = over;
    // Hidden only when it has no focus to lose.
    $('undo').hidden = over && document.activeElement !== $('undo');
    for (const chip of document.querySelectorAll('[data-help].chip')) chip.setAttribute('aria-pressed', String(chip.dataset.help === card.help));
    for (const chip of document.querySelectorAll('[data-age].chip')) chip.setAttribute('aria-pressed', String(chip.dataset.age === card.age));
  }
  function say(words) { $('said').textContent = words; }
  // What was refused for good stays until the next tap; what is tried again, until it succeeds.
  let stays = false;
  function fail(words, final = false) {
    if (words === '' && stays) return;
    stays = final;
    if ($('error').textContent !== words) $('error').textContent = words;
  }
  function down() {
    const taps = [...jobs.values()].filter((todo) => todo.post).length;
    const held = taps === 0 ? 'Les touches seront gardées dans cette page' : `${taps} ${taps === 1 ? 'touche est gardée' : 'touches sont gardées'} dans cette page, pas encore sur ce poste`;
    const words = `L’agent de ce poste ne répond pas. ${held}, et enregistrées une seule fois dès son retour.`;
    if (!reachable && $('down').textContent !== words) $('down').textContent = words;
    $('down').hidden = reachable;
    // Nobody is told that the hub has everything while taps have not even left this page.
    const waits = taps === 0 ? '' : `${taps} ${taps === 1 ? 'touche' : 'touches'} dans cette page, pas encore sur ce poste`;
    if ($('held').textContent !== waits) $('held').textContent = waits;
    $('held').hidden = taps === 0;
    document.body.classList.toggle('holding', taps > 0);
  }

  // --- following the agent ----------------------------------------------------------------------
  let seen = '', fetching = false;

  // Takes over the live parts of a fresh page; a part that did not change is left alone, and so
  // is the focus.
  async function refresh() {
    if (fetching) { seen = ''; return; }
    fetching = true;
    try {
      const answer = await fetch('/', { cache: 'no-store' });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
      if (fresh.body.dataset.site !== desk.site) { location.reload(); return; }
      for (const name of ['today', 'doubted', 'asked']) desk[name] = fresh.body.dataset[name];
      for (const part of document.querySelectorAll('[data-live]')) {
        const other = fresh.getElementById(part.id);
        if (!other || other.innerHTML === part.innerHTML) continue;
        const focused = part.contains(document.activeElement) ? document.activeElement.id : '';
        part.replaceChildren(...[...other.childNodes].map((node) => document.importNode(node, true)));
        if (focused && $(focused)) $(focused).focus();
      }
      toggle();
    } catch { /* the poll says so */ } finally { fetching = false; }
  }

  async function poll() {
    try {
      const { ok, body } = await ask('GET', '/api/status');
      const back = !reachable;
      reachable = true;
      if (ok) {
        const { kept, confirmed, waiting, refused, state, storage, today, clock, last_error, site, clock_doubted, day_asked, conflicts, unknown } = body;
        const now = JSON.stringify([kept, confirmed, waiting, refused, state, storage, today, clock, last_error, site, clock_doubted, day_asked, conflicts, unknown]);
        if (now !== seen || back) { seen = now; await refresh(); }
      }
      if (back) work();
    } catch { reachable = false; }
    down();
    setTimeout(poll, POLL_MS);
  }

  const closed = () => $('day').querySelector('[data-closed]').dataset.closed === 'true';
  function toggle() {
    const words = closed() ? 'Rouvrir la journée' : 'Clore la journée';
    if ($('day-toggle').textContent !== words) $('day-toggle').textContent = words;
  }
  async function order(method, path, body, done) {
    try {
      const answer = await ask(method, path, body);
      if (!answer.ok) fail(answer.body.detail || `Refusé (${answer.status})`, true);
      if (answer.ok) say(done);
    } catch { reachable = false; down(); }
    await refresh();
  }

  function give(day) {
    stays = false;
    fail('');
    if (day) order('PUT', '/api/today', { day }, 'Jour noté'); else $('day-given').focus();
  }

  // --- keys and clicks --------------------------------------------------------------------------
  const KEYS = 'msap.keys';
  let keys = true;
  try { keys = localStorage.getItem(KEYS) !== 'off'; } catch { /* as by default */ }
  function keysAre(on) {
    keys = on;
    $('keys').setAttribute('aria-pressed', String(on));
    try { localStorage.setItem(KEYS, on ? 'on' : 'off'); } catch { /* for this page only */ }
  }

  document.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    if (button.matches('.op')) tap(button);
    else if (button.matches('.chip[data-help]')) refine('help', button.dataset.help);
    else if (button.matches('.chip[data-age]')) refine('age', button.dataset.age);
    else if (button.matches('[data-pick]')) { pick(button.closest('tr')); $('undo').focus(); }
    else if (button.matches('[data-give]')) give(button.dataset.give);
    else if (button.id === 'day-give') give($('day-given').value);
    else if (button.id === 'same') together(!sameVisit);
    else if (button.id === 'undo') undo();
    else if (button.id === 'keys') keysAre(!keys);
    else if (button.id === 'sync-now') order('POST', '/api/sync', {}, 'Envoi demandé');
    else if (button.id === 'day-toggle') {
      const close = !closed();
      order('PUT', `/api/days/${today()}`, { closed: close }, close ? 'Journée close' : 'Journée rouverte');
    }
  });
  document.addEventListener('keydown', (event) => {
    // A held key is one tap, not twenty.
    if (!keys || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest && event.target.closest('input, textarea, select')) return;
    // By place, not by character: French keyboards write digits with shift.
    const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code);
    const button = digit && document.querySelector(`.op[data-key="${digit[1]}"]`);
    if (button) { event.preventDefault(); tap(button); } else if (event.key.toLowerCase() === 'u' && !event.shiftKey) { event.preventDefault(); undo(); }
  });

  keysAre(keys);
  restore();
  work();
  poll();
})();
