import assert from 'node:assert/strict';
import { test } from 'node:test';
import { live, Page, pushed } from './fakes.js';

const URL_ = 'http://app.test/api/things?limit=5';
const change = (position, previous) => ({
    type: 'thing', channel: 'things', version: 1, position, previous, op: 'update', key: { id: 1 }, data: { id: 1 }, timestamp: 1,
});

/** A page whose server says push and whose network lets no WebSocket through. */
async function blocked(options = {}) {
    const page = new Page();
    page.reply = pushed({ n: 0 });
    const feed = live(URL_, { ...page.options, ...options });
    await page.pass(0);
    while (page.streams.length === 0 && page.time < 20_000) {
        if (page.socket.readyState === 0) page.socket.end(1006);
        await page.pass(100);
    }
    return { page, feed };
}

/** Then no event stream either: held polls are answered by `held`. */
async function withoutEvents(options = {}) {
    const page = new Page();
    page.noEvents = 502;
    page.holds = true;
    const plain = pushed({ n: 0 }, '1.1-1', { ETag: '"a"' });
    page.reply = (url, init) => {
        if (!init.headers.Prefer || !page.holds) return plain;
        return new Promise(resolve => page.pending.push(reply => resolve(reply)));
    };
    const feed = live(URL_, { ...page.options, ...options });
    await page.pass(0);
    while (!page.requests.some(request => request.headers.Prefer) && page.time < 40_000) {
        if (page.socket.readyState === 0) page.socket.end(1006);
        await page.pass(100);
    }
    return { page, feed };
}

const heldAnswer = (body, position, extra = {}) => ({
    body, headers: { 'Preference-Applied': 'wait=2', 'Doorbell-Position': position, 'Doorbell-Feature': 'f', ...extra },
});

test('where WebSockets are refused, event streams are tried when the deadline has passed, however often they failed', async () => {
    const { page, feed } = await blocked();
    assert.equal(Math.round(page.time / 1000), 10);
    assert.ok(page.sockets.length > 3);
    assert.equal(feed.transport, 'poll');
    assert.equal(page.stream.url.pathname, '/_doorbell/sse');
    assert.deepEqual([...page.stream.url.searchParams], [['poll', '/api/things?limit=5'], ['since', '1.1-1']]);
    page.stream.open();
    page.stream.say({ type: 'subscribed', channel: 'things', position: '1.1-1', recovered: true, version: 1 });
    await page.pass(0);
    assert.deepEqual(feed.status, { transport: 'push', via: 'events', live: true, reason: 'push' });
    const polls = page.requests.length;
    await page.pass(30_000);
    assert.equal(page.requests.length, polls, 'no poll beside the stream');
});

test('messages come in any pieces', async () => {
    const seen = [];
    const { page } = await blocked({ onChange: message => seen.push(message.position), apply: body => body });
    page.stream.open();
    page.stream.say({ type: 'subscribed', channel: 'things', position: '1.1-1', recovered: true, version: 1 });
    const text = `id: 1.2-5\ndata: ${JSON.stringify({ ...change('1.2-5', null), data: { text: 'Grüße ☕' } })}\n\n`;
    for (const piece of text.match(/[^]{1,7}/g)) page.stream.send(piece);
    page.stream.send('data: nonsense\n\n: comment\r\n');
    await page.pass(100);
    assert.deepEqual(seen, ['1.2-5']);
});

test('a stream that ends is opened again from its last position, and polled beside until then', async () => {
    const { page, feed } = await blocked({ onChange() {}, apply: body => body });
    page.stream.open();
    page.stream.say({ type: 'subscribed', channel: 'things', position: '1.1-1', recovered: true, version: 1 });
    page.stream.say(change('1.2-5', null));
    await page.pass(0);
    page.stream.end();
    await page.pass(0);
    assert.equal(feed.transport, 'poll');
    await page.pass(1000);
    assert.equal(page.streams.length, 2);
    assert.equal(page.stream.url.searchParams.get('since'), '1.2-5');
});

test('a stream that a proxy keeps for itself is given up by the deadline; one that falls silent after two heartbeats', async () => {
    const { page, feed } = await blocked();
    const [first] = page.streams;
    await page.pass(13_000);
    assert.equal(first.isClosed, true);
    assert.ok(page.requests.at(-1).headers.Prefer, 'held polls come next');

    const other = await blocked();
    other.page.stream.open(2);
    other.page.stream.say({ type: 'subscribed', channel: 'things', position: '1.1-1', recovered: true, version: 1 });
    for (let i = 0; i < 5; i += 1) { other.page.stream.beat(); await other.page.pass(2000); }
    assert.equal(other.feed.transport, 'push', 'comments are signs of life');
    await other.page.pass(2000);
    assert.equal(other.feed.transport, 'poll');
    feed.close();
});

test('the slow timer begins anew at the top, and the page is pushed to again without a change of state', async () => {
    const { page, feed } = await blocked();
    page.stream.open();
    page.stream.say({ type: 'subscribed', channel: 'things', position: '1.1-1', recovered: true, version: 1 });
    await page.pass(0);
    const sockets = page.sockets.length;
    while (page.sockets.length === sockets) { page.stream.beat(); await page.pass(1000); }
    assert.equal(Math.round(page.time / 10_000), 7, 'a minute later');
    page.socket.open();
    assert.equal(page.socket.of('subscribe')[0].since, '1.1-1');
    page.socket.say({ type: 'subscribed', channel: 'things', position: '1.1-1', recovered: true, version: 1, id: page.socket.of('subscribe')[0].id });
    assert.equal(feed.status.via, 'websocket');
    assert.equal(page.streams[0].isClosed, true);
    assert.deepEqual(page.bodies, [{ n: 0 }]);
});

test('a server that is away is not the fault of the rung: nothing descends while polls fail too', async () => {
    const page = new Page();
    page.reply = pushed({ n: 0 });
    live(URL_, page.options);
    await page.pass(0);
    page.socket.open();
    page.socket.say({ type: 'subscribed', channel: 'things', position: '1.1-1', recovered: true, version: 1, id: page.socket.of('subscribe')[0].id });
    page.reply = new Error('away');
    page.socket.end(1006);
    for (let i = 0; i < 60; i += 1) {
        await page.pass(1000);
        if (page.socket.readyState === 0) page.socket.end(1006);
    }
    assert.equal(page.streams.length, 0);
    page.reply = pushed({ n: 0 });
    const tried = page.sockets.length;
    while (page.sockets.length === tried) await page.pass(500);
    assert.equal(page.streams.length, 0, 'nor while the next attempt is waited for');
    page.socket.open();
    await page.pass(0);
    assert.equal(page.socket.of('subscribe').length, 1);
});

test('without sockets and streams polls are held: an answer comes with the change, and no plain poll beside it', async () => {
    const { page, feed } = await withoutEvents();
    assert.ok(page.time > 20_000 && page.time < 31_000, `${page.time}`);
    const held = page.requests.at(-1);
    assert.equal(held.headers.Prefer, 'wait=2');
    assert.equal(held.headers['If-None-Match'], '"a"');
    await page.answer(heldAnswer({ n: 1 }, '1.2-1', { ETag: '"b"' }));
    assert.deepEqual(page.bodies.at(-1), { n: 1 });
    assert.deepEqual(feed.status, { transport: 'push', via: 'long-poll', live: true, reason: 'push' });
    await page.pass(1000);
    for (let i = 0; i < 10; i += 1) {
        await page.pass(1000);
        await page.answer({ status: 304, headers: { 'Preference-Applied': 'wait=2', 'Doorbell-Position': '1.2-1' } });
    }
    assert.equal(feed.status.via, 'long-poll');
    assert.ok(page.requests.slice(-9).every(request => request.headers.Prefer === 'wait=2'));
});

test('a burst does not turn held polls into a storm', async () => {
    const { page } = await withoutEvents();
    const before = page.requests.length;
    const began = page.time;
    for (let i = 0; page.time < began + 10_000; i += 1) {
        if (page.pending.length > 0) await page.answer(heldAnswer({ n: i }, `1.${i + 2}-1`));
        await page.pass(50);
    }
    assert.ok(page.requests.length - before <= 12, `${page.requests.length - before} in 10 s`);
});

test('a held poll that stalls is followed by a plain one in time; where none is ever held, the page polls as before', async () => {
    const { page, feed } = await withoutEvents();
    await page.answer(heldAnswer({ n: 1 }, '1.2-1', { ETag: '"b"' }));
    await page.pass(1000);
    const from = page.time;
    const polls = page.requests.length;
    await page.pass(3000);
    assert.equal(page.requests.at(-1).headers.Prefer, undefined);
    assert.ok(page.requests.length > polls && page.time - from <= 3000);
    assert.equal(feed.transport, 'poll');
    page.holds = false;
    await page.pass(12_000);
    const before = page.requests.length;
    await page.pass(9000);
    assert.equal(page.requests.length - before, 3);
    assert.ok(page.requests.slice(-3).every(request => !request.headers.Prefer));
});

test('while polls are held, a plain one each minute hears whether to push at all', async () => {
    const { page, feed } = await withoutEvents();
    await page.answer(heldAnswer({ n: 1 }, '1.2-1', { ETag: '"b"' }));
    let plain = 0;
    for (let i = 0; i < 130; i += 1) {
        await page.pass(500);
        if (page.socket.readyState === 0) page.socket.end(1006);
        while (page.pending.length > 0) await page.answer({ status: 304, headers: { 'Preference-Applied': 'wait=2' } });
        plain = page.requests.filter(request => !request.headers.Prefer && request.at > 35_000).length;
        if (plain > 0) break;
    }
    assert.ok(plain > 0);
    assert.ok(feed);
});

test('where polls are refused, a stream that has lost something is opened anew, and brings the state', async () => {
    const { page, feed } = await blocked({ apply: body => body });
    page.stream.open();
    page.stream.say({ type: 'subscribed', channel: 'things', position: '1.1-1', recovered: true, version: 1 });
    page.reply = { status: 410, body: {}, headers: { 'Doorbell-Transport': 'push', 'Doorbell-Feature': 'f', Deprecation: '@1' } };
    page.stream.say({ type: 'reset', channel: 'things', reason: 'slow', position: '1.5-1' });
    await page.pass(1000);
    assert.deepEqual(page.streams.map(stream => stream.isClosed), [true, false]);
    assert.deepEqual([...page.stream.url.searchParams], [['poll', '/api/things?limit=5']]);
    page.stream.open();
    page.stream.say({ type: 'subscribed', channel: 'things', position: '1.5-1', recovered: true, version: 1, snapshot: { status: 200, body: { n: 5 } } });
    await page.pass(0);
    assert.deepEqual(page.bodies.at(-1), { n: 5 });
    assert.equal(feed.status.via, 'events');
    const polls = page.requests.length;
    await page.pass(30_000);
    assert.equal(page.requests.length, polls);
});
