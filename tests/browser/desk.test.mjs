// The desk page in a real browser, against a real agent and a real hub.
//
//   node tests/browser/desk.test.mjs target/ci
//
// The argument is the directory of msap-hub and msap-agent; CHROMIUM may name another browser.
// The last line is `N passed, N failed`.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { chromium } from 'playwright-core';
import { Network, until } from './network.mjs';

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const TAP = '**/api/visits';

const network = new Network(resolve(process.argv[2] ?? 'target/ci'));
let browser, page;
const complaints = [];

async function open() {
  const context = await browser.newContext({ locale: 'fr-FR' });
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()); });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(network.url);
  await page.waitForFunction(() => document.getElementById('keys').getAttribute('aria-pressed') === 'true');
}
async function close() { await page.unrouteAll({ behavior: 'ignoreErrors' }); await page.context().close(); }

const button = (operator) => page.locator(`.op[data-operator="${operator}"]`);
const shown = async () => Number(await page.locator('#today .big').textContent());
const words = async (selector) => (await page.locator(selector).textContent()).replace(/\s+/g, ' ').trim();

const settled = () => until('the page has nothing left to send', () => page.evaluate(() => !Object.keys(localStorage).some((key) => key.includes('.tap.'))));

// Once everything is sent, agent and page have counted this much more, and not one more.
async function grown(before, visits, requests = visits) {
  await settled();
  const wanted = { visits: before.visits + visits, requests: before.requests + requests };
  assert.deepEqual(await network.tally(), wanted);
  await until(`the page shows ${wanted.visits}`, async () => await shown() === wanted.visits);
}

// Every violation that keeps someone from using the page.
async function accessible(what, path = '/') {
  const context = await browser.newContext({ locale: 'fr-FR', bypassCSP: true });
  try {
    const other = await context.newPage();
    await other.goto(new URL(path, network.url).href);
    await what(other);
    await other.evaluate(AXE);
    const { violations } = await other.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
    const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    assert.deepEqual(grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`), []);
  } finally { await context.close(); }
}

const WEEKDAYS = ['dimanche', 'lundi', 'mardi', 'mercredi', 'jeudi', 'vendredi', 'samedi'];

// Uses a page as a browser without any script does.
async function withoutScript(path, use) {
  const context = await browser.newContext({ locale: 'fr-FR', javaScriptEnabled: false });
  try {
    const other = await context.newPage();
    other.setDefaultTimeout(20_000);
    // A form that is refused is told of as a failed request; so it is meant.
    other.on('console', (message) => { if (message.type() === 'error' && !message.text().includes('status of 422')) complaints.push(message.text()); });
    await other.goto(network.url + path);
    await use(other);
  } finally { await context.close(); }
}

// A picture for people to look at, where SCREENSHOTS names a directory.
async function shot(path, name, use = async () => {}) {
  if (!process.env.SCREENSHOTS) return;
  for (const width of [1280, 390]) {
    const context = await browser.newContext({ locale: 'fr-FR', viewport: { width, height: 800 } });
    try {
      const other = await context.newPage();
      await other.goto(network.url + path);
      await use(other);
      await other.screenshot({ path: `${process.env.SCREENSHOTS}/${name}-${width}.png`, fullPage: true });
    } finally { await context.close(); }
  }
}

// A relocation to a place that nobody can name so.
async function misplaced(other) {
  await other.locator('#move-from').fill('2027-05-17');
  await other.locator('#move-to_place').fill('La mairie !');
  await other.locator('#move-to_place').press('Enter');
  await other.locator('#move-to_place-wrong').waitFor();
}

const tests = {
  async 'one click counts exactly one visit'() {
    const before = await network.tally();
    await button('CNAF').click();
    await page.getByText('Enregistré sur ce poste', { exact: true }).waitFor();
    await grown(before, 1);
  },

  async 'one key counts exactly one visit, and a held key no more'() {
    const before = await network.tally();
    const key = await page.locator('.op[data-key]').nth(1).getAttribute('data-key');
    await page.keyboard.down(`Digit${key}`);
    for (let repeat = 0; repeat < 5; repeat += 1) await page.keyboard.down(`Digit${key}`);
    await page.keyboard.up(`Digit${key}`);
    await grown(before, 1);
    await button('CNAF').focus();
    await page.keyboard.press('Enter');
    await grown(before, 2);
    await page.keyboard.press('Space');
    await grown(before, 3);
    assert.equal(await page.evaluate(() => document.activeElement.dataset.operator), 'CNAF', 'the focus stays where it was');
  },

  async 'keys count nothing once they are switched off'() {
    const before = await network.tally();
    await page.locator('#keys').click();
    await page.keyboard.press('Digit1');
    await page.locator('#keys').click();
    await page.keyboard.press('Digit1');
    await grown(before, 1);
  },

  async 'fast clicks count one visit each'() {
    const before = await network.tally();
    await page.evaluate(() => { for (let n = 0; n < 20; n += 1) document.querySelector('.op[data-operator="CNAF"]').click(); });
    await grown(before, 20);
  },

  async 'a visit is undone by mouse and by key'() {
    const before = await network.tally();
    await button('CNAF').click();
    await grown(before, 1);
    await page.locator('#undo').click();
    await page.getByText('Annulé', { exact: true }).waitFor();
    await grown(before, 0);
    await button('CNAF').click();
    await grown(before, 1);
    await page.keyboard.press('u');
    await grown(before, 0);
  },

  async 'a visit is refined without counting again'() {
    const before = await network.tally();
    await button('CNAF').click();
    await page.locator('.chip[data-help="paperwork"]').click();
    await page.locator('.chip[data-age="70+"]').click();
    const refined = (tap) => tap.help === 'paperwork' && tap.age === '70+';
    await until('the last visit is refined', async () => refined((await network.taps())[0]));
    await grown(before, 1);
    assert.equal(await page.locator('.chip[data-age="70+"]').getAttribute('aria-pressed'), 'true');
  },

  async 'a further request of the same visit is no further visit'() {
    const before = await network.tally();
    await button('CNAF').click();
    await page.locator('#same').click();
    await button('CNAF').click();
    await grown(before, 1, 2);
  },

  async 'undoing a visit undoes its further requests, and says so'() {
    const before = await network.tally();
    await button('CNAF').click();
    await grown(before, 1);
    await page.locator('#same').click();
    await button('MSA').click();
    await grown(before, 1, 2);
    await page.locator('#taps tbody tr').nth(1).locator('[data-pick]').click();
    await page.locator('#undo').click();
    await page.getByText('Annulé, avec 1 autre démarche', { exact: true }).waitFor();
    await grown(before, 0);
  },

  async 'a tap whose answer is lost counts once'() {
    const before = await network.tally();
    let lost = 0;
    await page.route(TAP, async (route) => {
      if (route.request().method() !== 'POST' || lost > 0) { await route.continue(); return; }
      lost += 1;
      await route.fetch();
      await route.abort();
    });
    await button('CNAF').click();
    await grown(before, 1);
    assert.equal(lost, 1);
    await page.unroute(TAP);
  },

  async 'taps that could not be sent survive a reload and count once'() {
    const before = await network.tally();
    await page.route(TAP, (route) => (route.request().method() === 'POST' ? route.abort() : route.continue()));
    await button('CNAF').click();
    await button('CNAF').click();
    await until('both wait in the page', () => page.evaluate(() => Object.keys(localStorage).filter((key) => key.includes('.tap.')).length === 2));
    assert.deepEqual(await network.tally(), before);
    await page.reload();
    await page.unroute(TAP);
    await grown(before, 2);
  },

  async 'taps made while the agent is down are told of, and count once when it is back'() {
    const before = await network.tally();
    await network.stopAgent();
    await page.locator('#down').waitFor({ state: 'visible' });
    await button('CNAF').click();
    await page.getByText('1 touche est gardée dans cette page', { exact: false }).waitFor();
    assert.match(await words('#held'), /^1 touche dans cette page, pas encore sur ce poste$/);
    assert.equal(await page.locator('#sync .all').isVisible(), false, 'nobody is told that the hub has everything');
    await network.startAgent();
    await page.locator('#down').waitFor({ state: 'hidden' });
    await grown(before, 1);
  },

  async 'without the hub the page says so and goes on counting, and the hub gets everything later'() {
    await until('all is confirmed', async () => (await network.ask('/api/status')).waiting === 0);
    await network.stopHub();
    await page.locator('#note .note').waitFor();
    const before = await network.tally();
    await button('CNAF').click();
    await grown(before, 1);
    await until('the visit is said to be kept here', async () => (await words('#note')).includes('gardée sur ce poste'));
    assert.match(await words('#taps tbody tr:first-child'), /en attente/);
    await network.startHub();
    await page.locator('#sync-now').click();
    await until('the page says that the hub has all', async () => (await words('#sync')).includes('tout est reçu par le hub'));
    await until('the first row says so too', async () => (await words('#taps tbody tr:first-child')).includes('reçu par le hub'));
    await page.locator('#note .note').waitFor({ state: 'detached' });
    assert.deepEqual(await network.hubTotals(), await network.tally());
  },

  async 'a day is closed and opened again'() {
    await page.locator('#day-toggle').click();
    await page.getByText('journée close', { exact: true }).waitFor();
    assert.equal((await network.ask('/api/tally')).closed, true);
    await page.locator('#day-toggle').click();
    await page.getByText('journée ouverte', { exact: true }).waitFor();
  },

  async 'a refused machine is told so and what to do, also while it dials again'() {
    await network.refuse(async () => {
      await page.locator('#note .note.bad').waitFor();
      const said = async () => assert.match(await words('#note'), /plus autorisé par le hub.*nouvelle invitation/);
      await said();
      await button('CNAF').click();
      await settled();
      await page.locator('#sync-now').click();
      await until('it has dialled again', async () => (await network.ask('/api/sync/log')).filter(({ event }) => event === 'revoked').length > 1);
      await said();
      assert.doesNotMatch(await words('#note'), /seule/);
      await accessible(async () => {});
    });
    await page.locator('#note .note').waitFor({ state: 'detached' });
  },

  async 'hours and closures are set by keyboard on a page without a script, and shown at the desk'() {
    await withoutScript('/schedule', async (other) => {
      for (const day of ['mo', 'tu', 'we', 'th', 'fr', 'sa', 'su']) await other.locator(`#days-${day}`).fill('00:00-24:00');
      await other.locator('#days-su').press('Enter');
      await other.getByText('Enregistré sur ce poste.').waitFor();
      await other.locator('#close-from').fill('2027-05-14');
      await other.locator('#close-to').fill('2027-05-13');
      await other.locator('#close-reason').selectOption('holiday');
      await other.getByRole('button', { name: 'Fermer ces jours' }).press('Enter');
      assert.match(await other.getByRole('alert').textContent(), /Rien n’est changé.*précède le premier jour/s);
      assert.equal(await other.locator('#close-from').inputValue(), '2027-05-14', 'what was entered stays');
      await other.locator('#close-to').fill('2027-05-15');
      await other.getByRole('button', { name: 'Fermer ces jours' }).press('Enter');
      await other.getByText('Enregistré sur ce poste.').waitFor();
      await other.getByRole('button', { name: /^Retirer : du vendredi 14 mai 2027/ }).waitFor();
    });
    await until('the desk says that the house is open', async () => /Ouvert|jour férié/.test(await words('#hours')));
    assert.equal((await network.ask('/api/schedule')).weekly_minutes, 7 * 24 * 60);
  },

  async 'a permanence is cancelled for one day in one step, and a partner is said to be reachable'() {
    await network.agentCommand('permanence', 'add', 'CNAF', '--day', WEEKDAYS[new Date(`${(await network.ask('/api/status')).today}T12:00Z`).getUTCDay()], '--slots', '00:00-24:00');
    await until('the desk says that the CAF is there', async () => /CAF.*Présent/s.test(await words('#partners')));
    await withoutScript('/partners', async (other) => {
      await other.getByRole('button', { name: /^Annuler : CAF/ }).first().click();
      await other.getByText('Enregistré sur ce poste.').waitFor();
      await other.locator('#presence-operator').selectOption('CNAV');
      await other.locator('#presence-mode').selectOption('reachable');
      await other.locator('#presence-contact').fill('marie.dupont@retraite.fr');
      await other.locator('#presence-contact').press('Enter');
      assert.match(await other.getByRole('alert').textContent(), /semble être celle d’une personne/);
      await other.locator('#presence-contact').fill('3960');
      await other.locator('#presence-contact').press('Enter');
      await other.getByText('Enregistré sur ce poste.').waitFor();
    });
    await until('the desk says both', async () => /CAF.*Annulé.*Joignable/s.test(await words('#partners')));
  },

  async 'relocations, agents at work, agreements and training are said by keyboard, and what is wrong stands beside its field'() {
    await withoutScript('/schedule', async (other) => {
      await misplaced(other);
      await other.locator('#move-to_place:focus').waitFor();
      assert.equal(await other.locator('#move-from').inputValue(), '2027-05-17', 'what was entered stays');
      await other.locator('#move-to_place').fill('mairie');
      await other.locator('#move-to_place').press('Enter');
      await other.getByText('Enregistré sur ce poste.').waitFor();
      await other.getByRole('button', { name: /^Retirer : le lundi 17 mai 2027.*mairie/ }).waitFor();
      await other.locator('#days-mo').fill('00:00-24:00');
      await other.locator('#days-mo').press('Enter');
      await other.getByText(/Enregistré sur ce poste\.|déjà ainsi/).waitFor();
      await other.locator('#staff-agents').fill('2');
      await other.locator('#staff-agents').press('Enter');
      await other.getByText('Enregistré sur ce poste.').waitFor();
    });
    await withoutScript('/partners', async (other) => {
      await other.locator('#agreement-operator').selectOption('CNAV');
      await other.locator('#agreement-status').selectOption('signed');
      await other.locator('#agreement-day').press('Enter');
      await other.locator('#agreement-day:focus').waitFor();
      assert.match(await other.locator('#agreement-day-wrong').textContent(), /./);
      await other.locator('#agreement-day').fill('2026-01-15');
      await other.locator('#agreement-day').press('Enter');
      await other.getByText('Enregistré sur ce poste.').waitFor();
      await other.locator('#training-operator').selectOption('CNAV');
      await other.locator('#training-agents').fill('2');
      await other.locator('#training-agents').press('Enter');
      await other.getByText('Enregistré sur ce poste.').waitFor();
      await other.getByText('Convention signée').waitFor();
    });
  },

  async 'a contradiction of two desks is shown at the desk, and settled by one button'() {
    const second = await network.secondDesk();
    try {
      await network.stopHub();
      await network.agentCommand('partner', 'set', 'MSA', '--mode', 'absent');
      await second.command('partner', 'set', 'MSA', '--mode', 'partial');
      await network.startHub();
      await network.agentCommand('sync', 'now');
      await until('both versions are here', async () => (await network.ask('/api/status')).conflicts === 1);
      await until('the desk says so', async () => /MSA.*Deux versions.*En conflit/s.test(await words('#partners')));
      await shot('/partners', 'partners-conflict');
      await accessible(async () => {}, '/partners');
      await withoutScript('/partners', async (other) => {
        await other.getByRole('button', { name: /^Garder cette version : absent/ }).click();
        await other.getByText('Enregistré sur ce poste.').waitFor();
        assert.equal(await other.locator('.conflicts').count(), 0);
      });
      assert.deepEqual(await network.ask('/api/conflicts'), []);
    } finally { await second.stop(); }
  },

  async 'the description of the hub has no grave obstacle and its style, in both languages'() {
    for (const [path, word] of [['/docs', 'Paramètres'], ['/docs?lang=en', 'Parameters']]) {
      await page.goto(network.hubUrl + path);
      assert.equal(await page.locator('caption').first().textContent(), word);
      const weight = await page.locator('caption').first().evaluate((caption) => getComputedStyle(caption).fontWeight);
      assert.equal(weight, '700', 'the policy lets the style through');
      await accessible(async () => {}, network.hubUrl + path);
    }
  },

  async 'the pages of hours and partners have no grave obstacle, wide and narrow'() {
    await accessible(misplaced, '/schedule');
    await shot('/schedule', 'schedule-wrong', misplaced);
    for (const path of ['/schedule', '/partners']) {
      await shot(path, path.slice(1));
      await accessible(async () => {}, path);
      await accessible(async (other) => {
        await other.setViewportSize({ width: 320, height: 640 });
        const wide = await other.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
        assert.equal(wide, false, `${path} scrolls sideways at 320 px`);
      }, path);
    }
    await shot('/', 'desk');
  },

  async 'the page has no grave obstacle, as it opens and after a tap, wide and narrow'() {
    await accessible(async () => {});
    await accessible(async (other) => {
      await other.setViewportSize({ width: 320, height: 640 });
      await other.locator('#taps button[data-pick]').first().click();
      await other.locator('#undo').waitFor();
      const wide = await other.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
      assert.equal(wide, false, 'the page scrolls sideways at 320 px');
    });
  },
};

let passed = 0, failed = 0;
async function attempt(name, test) {
  try {
    await test();
    passed += 1;
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n${error.stack ?? error}`);
  }
}

try {
  await network.start('275', ['name=Chemillé', 'department=49']);
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  const chosen = process.argv[3];
  for (const [name, test] of Object.entries(tests)) {
    if (chosen && !name.includes(chosen)) continue;
    await attempt(name, async () => {
      await open();
      try { await test(); } finally { await close(); }
    });
  }
  await attempt('the page breaks none of its own content rules', async () => {
    // Requests that tests cut, and the agent that they stop, are told of as network errors.
    assert.deepEqual(complaints.filter((text) => !text.includes('net::ERR_')), []);
  });
} catch (error) {
  failed += 1;
  console.log(`FAILED  the network does not start\n${error.stack ?? error}`);
} finally {
  await browser?.close();
  await network.end();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
