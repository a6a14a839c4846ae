import assert from 'node:assert/strict';
import { test } from 'node:test';
import { live, Page, pushed } from './fakes.js';

const URL_ = 'http://app.test/api/things?limit=5';
const change = (position, previous) => ({
    type: 'thing', channel: 'things', version: 1, position, previous, op: 'update', key: { id: 1 }, data: { id: 1 }, timestamp: 1,
});

/** A page with one feed that is pushed to. */
async function pushedTo(options = {}, answer = pushed({ n: 0 })) {
    const page = new Page();
    page.reply = answer;
    const feed = live(URL_, { ...page.options, ...options });
    await page.pass(0);
    page.socket.open();
    await subscribed(page);
    return { page, feed };
}

async function subscribed(page, extra = {}) {
    const { id } = page.socket.of('subscribe').at(-1);
    page.socket.say({ type: 'subscribed', channel: 'things', position: '1.1-1', recovered: true, version: 1, id, ...extra });
    await page.pass(0);
}

// --- Background and network

test('a hidden page stops after a while, and catches up when it is seen again', async () => {
    const seen = [];
    const { page, feed } = await pushedTo({ apply: body => body, onChange: message => seen.push(message.position) });
    page.show('hidden');
    await page.pass(29_000);
    assert.equal(feed.transport, 'push', 'a glance elsewhere costs nothing');
    page.socket.say(change('1.2-2', null));
    await page.pass(1000);
    assert.equal(page.socket.closedWith, 1000);
    assert.equal(feed.status.reason, 'in the background');
    const polls = page.requests.length;
    await page.pass(600_000);
    assert.equal(page.requests.length, polls, 'no poll, no ping, nothing');
    assert.equal(page.timers.size, 0);
    page.reply = pushed({ n: 9 }, '1.9-9');
    page.show('visible');
    await page.pass(0);
    assert.deepEqual(page.bodies.at(-1), { n: 9 }, 'at once');
    page.socket.open();
    assert.equal(page.socket.of('subscribe')[0].since, '1.2-2', 'what was missed is told');
    await subscribed(page, { position: '1.2-2' });
    page.socket.say(change('1.3-3', null));
    await page.pass(0);
    assert.deepEqual(seen, ['1.2-2', '1.3-3']);
    feed.close();
});

test('a page that comes back in time goes on as if nothing had been, and one that may not stop does not', async () => {
    const { page } = await pushedTo();
    page.show('hidden');
    await page.pass(20_000);
    page.show('visible');
    await page.pass(60_000);
    assert.equal(page.sockets.length, 1);
    const other = await pushedTo({ background: false });
    other.page.show('hidden');
    await other.page.pass(100_000);
    assert.equal(other.feed.transport, 'push');
});

test('a polling page in the background stops too, and a page that is opened there begins with one poll', async () => {
    const page = new Page();
    page.document.visibilityState = 'hidden';
    live(URL_, page.options);
    await page.pass(100_000);
    assert.equal(page.requests.at(-1).at, 27_000);
    page.show('visible');
    await page.pass(6000);
    assert.deepEqual(page.requests.slice(-3).map(request => request.at), [100_000, 103_000, 106_000]);
});

test('without a network nothing is tried, and when it is back everything is at once', async () => {
    const { page, feed } = await pushedTo();
    page.window.dispatchEvent(new Event('offline'));
    await page.pass(60_000);
    assert.equal(feed.status.reason, 'offline');
    assert.equal(page.requests.length, 1);
    assert.equal(page.sockets.length, 1);
    page.window.dispatchEvent(new Event('online'));
    await page.pass(0);
    assert.equal(page.requests.length, 2);
    assert.equal(page.sockets.length, 2);
});

test('a page that may not stop in the background goes on there when the network is back', async () => {
    const { page } = await pushedTo({ background: false });
    page.show('hidden');
    page.window.dispatchEvent(new Event('offline'));
    await page.pass(10_000);
    assert.equal(page.requests.length, 1);
    page.window.dispatchEvent(new Event('online'));
    await page.pass(0);
    assert.equal(page.requests.length, 2);
});

// --- Who it is

test('a token is carried by polls and by the handshake, and replaced before it expires', async () => {
    let number = 0;
    const page = new Page();
    page.reply = pushed({ n: 0 });
    live(URL_, { ...page.options, token: async () => `t${++number}` });
    await page.pass(0);
    assert.equal(page.requests[0].headers.Authorization, 'Bearer t1');
    assert.deepEqual(page.socket.protocols, ['doorbell.v1', 'bearer.t1']);
    page.socket.open();
    assert.deepEqual(page.socket.of('refresh')[0].token, 't1', 'asks until when it is good');
    page.socket.say({ type: 'refreshed', id: 'token', expires: page.time + 90_000 });
    await page.pass(59_000);
    assert.equal(number, 1);
    await page.pass(2000);
    assert.deepEqual(page.socket.of('refresh').map(message => message.token), ['t1', 't2']);
});

test('a token that was refused is replaced once; refused again, the page polls', async () => {
    let number = 0;
    const page = new Page();
    page.reply = pushed({ n: 0 });
    const feed = live(URL_, { ...page.options, token: () => `t${++number}` });
    await page.pass(0);
    page.socket.open();
    page.socket.end(4500, 'the token has expired');
    await page.pass(1000);
    assert.deepEqual(page.socket.protocols, ['doorbell.v1', 'bearer.t2']);
    page.socket.open();
    page.socket.end(4500, 'the token has expired');
    await page.pass(120_000);
    assert.equal(page.sockets.length, 2);
    assert.match(feed.status.reason, /4500/);
});

test('a poll that is refused for its token is sent once more, with a new one', async () => {
    let number = 0;
    const page = new Page();
    page.reply = (url, init) => init.headers.Authorization === 'Bearer t2' ? { body: { n: 2 } } : { status: 401, body: {} };
    live(URL_, { ...page.options, token: () => `t${++number}` });
    await page.pass(0);
    assert.deepEqual(page.bodies, [{ n: 2 }]);
    assert.equal(page.requests.length, 2);
});

test('the token may also be the first message, or be changed for a ticket', async () => {
    const page = new Page();
    page.reply = pushed({ n: 0 });
    live(URL_, { ...page.options, token: () => 'secret', auth: 'message' });
    await page.pass(0);
    page.socket.open();
    assert.deepEqual(page.socket.protocols, ['doorbell.v1']);
    assert.deepEqual(page.socket.sent.slice(0, 2).map(message => message.type), ['auth', 'subscribe']);

    const other = new Page();
    other.reply = (url, init) => init.method === 'POST' ? { body: { ticket: 'ticket.1', expiresIn: 30 } } : pushed({ n: 0 });
    live(URL_, { ...other.options, auth: 'ticket' });
    await other.pass(0);
    assert.equal(other.requests[1].url, 'http://app.test/_doorbell/ticket');
    assert.equal(other.socket.url, 'ws://app.test/_doorbell/ws?ticket=ticket.1');
    other.socket.end(1006);
    await other.pass(1000);
    assert.equal(other.requests.filter(request => request.url.endsWith('ticket')).length, 2, 'each is good once');
});

test('a source of tokens that fails means polling, and is asked again', async () => {
    let isAway = false;
    const page = new Page();
    page.reply = pushed({ n: 0 });
    live(URL_, { ...page.options, token: async () => { if (isAway) throw new Error('away'); return 't'; } });
    await page.pass(0);
    isAway = true;
    page.socket.end(4500);
    await page.pass(6000);
    isAway = false;
    await page.pass(20_000);
    assert.ok(page.sockets.length > 1);
    assert.ok(page.bodies.length > 0);
});

// --- Drift

test('every few minutes the state is compared with a poll; where they differ it is repaired, told and reported', async () => {
    const drifts = [];
    const { page, feed } = await pushedTo({ apply: () => ({ n: 'pushed' }), onDrift: difference => drifts.push(difference), background: false });
    page.socket.say(change('1.2-2', null));
    page.reply = pushed({ n: 'polled' }, '1.2-2');
    await page.pass(29_000);
    assert.equal(page.requests.length, 1);
    await page.pass(2000);
    assert.equal(page.requests.length, 2, 'for the first time soon after the first change');
    assert.deepEqual(page.bodies.at(-1), { n: 'pushed' }, 'a message may be on its way');
    await page.pass(5000);
    assert.deepEqual(page.bodies.at(-1), { n: 'polled' });
    assert.deepEqual(drifts, [{ was: { n: 'pushed' }, is: { n: 'polled' }, fields: ['n'] }]);
    assert.equal(feed.stats.drifts, 1);
    const [report] = page.socket.of('drift');
    assert.match(report.digest, /^[0-9a-f]{8}$/);
    assert.deepEqual({ ...report, digest: '' }, { type: 'drift', channel: 'things', position: '1.2-2', digest: '', id: 'drift' });
    page.socket.say({ type: 'error', code: 'not_supported', message: '', id: 'drift', channel: 'things' });
    assert.equal(feed.transport, 'push', 'a service that does not know the message changes nothing');
});

test('a state that is the same is no drift, whatever the order of its members; nor is one that messages are changing', async () => {
    let applied = 0;
    const { page, feed } = await pushedTo({ apply() { applied += 1; return applied === 1 ? { a: 1, b: [{ c: 2, d: 3 }] } : { a: 2 }; }, background: false });
    page.socket.say(change('1.2-2', null));
    page.reply = pushed({ b: [{ d: 3, c: 2 }], a: 1 }, '1.2-2');
    await page.pass(310_000);
    assert.equal(page.requests.length, 2);
    assert.equal(feed.stats.drifts, 0);
    page.reply = pushed({ a: 2 }, '1.3-3');
    while (page.requests.length === 2) await page.pass(500);
    page.socket.say(change('1.3-3', '1.2-2'));
    await page.pass(5000);
    assert.equal(feed.stats.drifts, 0, 'the message was on its way');
    assert.equal(applied, 2, 'and is applied');
    assert.equal(page.socket.of('drift').length, 0);
});

// --- States for readers

test('a feed can be read in a loop: first what is shown, then the newest', async () => {
    const page = new Page();
    const feed = live(URL_, page.options);
    const read = [];
    const reading = (async () => { for await (const body of feed) { read.push(body.n); } })();
    await page.pass(0);
    page.reply = { body: { n: 1 } };
    await page.pass(3000);
    page.reply = { body: { n: 2 } };
    await page.pass(3000);
    feed.close();
    await reading;
    assert.deepEqual(read, [0, 1, 2]);
    const slow = live(URL_, page.options);
    await page.pass(0);
    const states = slow[Symbol.asyncIterator]();
    assert.deepEqual(await states.next(), { done: false, value: { n: 2 } });
    for (const n of [3, 4, 5]) { page.reply = { body: { n } }; await page.pass(3000); }
    assert.deepEqual((await states.next()).value, { n: 5 });
    await states.return();
    slow.close();
});

// --- Answers

test('a patch to something else than what is here leads to a new subscription, and so to a whole answer', async () => {
    const { page } = await pushedTo();
    const answer = { type: 'answer', channel: 'things', status: 200 };
    page.socket.say({ ...answer, position: '1.2-2', previous: null, etag: '"2"', body: { n: 2 } });
    page.socket.say({ ...answer, position: '1.3-3', previous: '1.2-2', etag: '"3"', base: '"2"', patch: { m: 1 } });
    await page.pass(0);
    assert.deepEqual(page.bodies.at(-1), { n: 2, m: 1 });
    page.socket.say({ ...answer, position: '1.5-5', previous: '1.4-4', etag: '"5"', base: '"4"', patch: { m: 2 } });
    await page.pass(0);
    assert.deepEqual(page.socket.of('unsubscribe').map(message => message.channel), ['things']);
    const anew = page.socket.of('subscribe').at(-1);
    assert.equal(anew.since, undefined);
    page.socket.say({
        type: 'subscribed', channel: 'things', position: '1.5-5', recovered: false, version: 1, id: anew.id,
        snapshot: { status: 200, etag: '"5"', body: { n: 5 } },
    });
    await page.pass(0);
    assert.deepEqual(page.bodies.at(-1), { n: 5 });
    page.socket.say({ ...answer, position: '1.6-6', previous: '1.5-5', status: 503, body: { error: 'away' } });
    await page.pass(0);
    assert.deepEqual(page.bodies.at(-1), { n: 5 }, 'an answer that is an error is no state');
});

test('a feed that is closed by its own callback leaves nothing behind', async () => {
    const page = new Page();
    page.reply = pushed({ n: 0 });
    const feed = live(URL_, { ...page.options, onData: () => queueMicrotask(() => feed.close()) });
    await page.pass(60_000);
    assert.equal(page.timers.size, 0);
    assert.equal(page.requests.length, 1);
});
