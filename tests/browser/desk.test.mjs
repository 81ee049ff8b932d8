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
async function accessible(what) {
  const context = await browser.newContext({ locale: 'fr-FR', bypassCSP: true });
  try {
    const other = await context.newPage();
    await other.goto(network.url);
    await what(other);
    await other.evaluate(AXE);
    const { violations } = await other.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
    const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    assert.deepEqual(grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`), []);
  } finally { await context.close(); }
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
