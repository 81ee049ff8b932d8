// A real hub and a real agent of one site, in a directory of their own, for tests in a browser.
// Nothing listens on a fixed port; every wait has an end; `end` leaves no process behind.

import { spawn, execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { existsSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const WAIT_MS_MAX = 60_000, LOOK_EVERY_MS = 50;
const run = promisify(execFile);

// Asks again until the answer is neither false nor undefined.
export async function until(what, ask) {
  const end = Date.now() + WAIT_MS_MAX;
  let last;
  while (Date.now() < end) {
    try {
      const answer = await ask();
      if (answer !== false && answer !== undefined) return answer;
      last = answer;
    } catch (error) { last = error; }
    await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
  }
  throw new Error(`waited in vain until ${what} (last: ${last})`);
}

// What the machine at hand is set to must not decide a test.
function environment(more = {}) {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('MSAP_') && name !== 'STATE_DIRECTORY');
  return { ...Object.fromEntries(kept), NO_COLOR: '1', ...more };
}

// A daemon whose words go to a file.
class Daemon {
  constructor(path, args, log, settings) {
    const words = openSync(log, 'a');
    this.child = spawn(path, args, { stdio: ['ignore', words, words], env: environment(settings) });
    closeSync(words);
    this.log = log;
    this.ended = new Promise((done) => this.child.once('exit', (code, signal) => { this.code = code ?? signal; done(); }));
  }
  alive() {
    if (this.code === undefined) return true;
    throw new Error(`ended with ${this.code}\n${readFileSync(this.log, 'utf8')}`);
  }
  async stop() {
    if (this.code === undefined) this.child.kill('SIGTERM');
    await this.ended;
    if (this.code !== 0) throw new Error(`stopped with ${this.code}\n${readFileSync(this.log, 'utf8')}`);
  }
}

export class Network {
  // `programs` is the directory in which cargo built msap-hub and msap-agent.
  constructor(programs) {
    this.programs = programs;
    this.dir = mkdtempSync(join(tmpdir(), 'msap navigateur '));
    this.hubData = join(this.dir, 'hub');
    this.agentData = join(this.dir, 'poste');
    this.sync = '127.0.0.1:0';
    this.others = [];
  }

  async start(site, fields) {
    await this.startHub();
    this.site = site;
    await this.hubCommand('site', 'add', site, ...fields);
    await this.join();
    this.page = `127.0.0.1:${await freePort()}`;
    await this.startAgent();
  }

  async join() {
    const code = (await this.hubCommand('site', 'invite', this.site)).trim();
    await this.agentCommand('join', code, '--label', 'Accueil');
  }

  // The machine is excluded from the network for as long as this takes.
  async refuse(meanwhile) {
    const { device } = await this.ask('/api/status');
    await this.hubCommand('device', 'revoke', device, '--reason', 'essai');
    try { await meanwhile(); } finally { await this.join(); }
  }

  async startHub() {
    const addresses = join(this.hubData, 'addresses.json');
    rmSync(addresses, { force: true });
    const args = ['--data', this.hubData, 'serve', '--sync', this.sync, '--http', '127.0.0.1:0'];
    const hub = new Daemon(join(this.programs, 'msap-hub'), args, join(this.dir, 'hub.log'));
    this.hub = hub;
    const found = await until('the hub is ready', () => hub.alive() && existsSync(addresses) && JSON.parse(readFileSync(addresses, 'utf8')));
    this.hubUrl = `http://${found.http}`;
    this.sync = found.sync; // the same again after a restart: the agent knows it
  }

  async stopHub() { await this.hub.stop(); }

  async startAgent() {
    const args = ['--data', this.agentData, 'run', '--listen', this.page];
    const agent = new Daemon(join(this.programs, 'msap-agent'), args, join(this.dir, 'agent.log'), { MSAP_AGENT_SYNC__MAX_BACKOFF: '1s' });
    this.agent = agent;
    this.url = `http://${this.page}`;
    await until('the page is served', async () => agent.alive() && (await fetch(`${this.url}/api/status`)).ok);
  }

  async stopAgent() { await this.agent.stop(); }

  // Another machine of the same site, running.
  async secondDesk() {
    const data = join(this.dir, 'bureau');
    const command = async (...args) => (await run(join(this.programs, 'msap-agent'), ['--data', data, ...args], { env: environment() })).stdout;
    await command('join', (await this.hubCommand('site', 'invite', this.site)).trim(), '--label', 'Bureau');
    const address = `127.0.0.1:${await freePort()}`;
    const daemon = new Daemon(join(this.programs, 'msap-agent'), ['--data', data, 'run', '--listen', address], join(this.dir, 'bureau.log'), { MSAP_AGENT_SYNC__MAX_BACKOFF: '1s' });
    this.others.push(daemon);
    await until('the second desk is served', async () => daemon.alive() && (await fetch(`http://${address}/api/status`)).ok);
    return { command, stop: () => daemon.stop() };
  }

  async hubCommand(...args) { return (await run(join(this.programs, 'msap-hub'), ['--data', this.hubData, ...args], { env: environment() })).stdout; }
  async agentCommand(...args) { return (await run(join(this.programs, 'msap-agent'), ['--data', this.agentData, ...args], { env: environment() })).stdout; }

  async ask(path) { return (await fetch(this.url + path)).json(); }
  async tally() { const { visits, requests } = await this.ask('/api/tally'); return { visits, requests }; }
  taps() { return this.ask('/api/visits'); }
  async hubTotals() {
    const { total } = JSON.parse(await this.hubCommand('--json', 'counts', '--format', 'json'));
    return { visits: total.visits, requests: total.requests };
  }

  async end() {
    for (const daemon of [this.agent, this.hub, ...this.others]) {
      if (daemon && daemon.code === undefined) { daemon.child.kill('SIGKILL'); await daemon.ended; }
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}

// Free a moment ago. Chosen here and not by the agent, which must come back at the same address.
async function freePort() {
  const server = createServer();
  await new Promise((done, failed) => server.once('error', failed).listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}
