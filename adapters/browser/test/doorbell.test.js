import assert from 'node:assert/strict';
import { test } from 'node:test';
import { live, mayReconnect, Page, pushed } from './fakes.js';

const URL_ = 'http://app.test/api/things?limit=5';

/** A feed whose push is live on channel `things`; the poll's position was 1.1-1. */
async function livePage(options = {}) {
    const page = new Page();
    page.reply = pushed({ n: 0 });
    const feed = live(URL_, { ...page.options, ...options });
    await page.pass(0);
    page.socket.open();
    await subscribed(page);
    return { page, feed };
}

async function subscribed(page, extra = {}) {
    const id = page.socket.of('subscribe').at(-1).id;
    page.socket.say({ type: 'subscribed', channel: 'things', position: '1.1-1', recovered: true, version: 1, id, ...extra });
    await page.pass(0);
}

function change(position, previous, op = 'insert', data = { id: 1 }) {
    return { type: 'thing', channel: 'things', version: 1, position, previous, op, key: { id: 1 }, data, timestamp: 1 };
}

test('without a word from the server it is the polling loop it replaces', async () => {
    const page = new Page();
    live(URL_, page.options);
    await page.pass(9100);
    assert.deepEqual(page.requests.map(request => request.at), [0, 3000, 6000, 9000]);
    assert.equal(page.sockets.length, 0);
    assert.deepEqual(page.bodies, [{ n: 0 }]);
});

test('a poll that is stuck does not stop the loop, and no more than three are under way', async () => {
    const page = new Page();
    page.reply = null;
    const feed = live(URL_, page.options);
    await page.pass(27_000);
    assert.deepEqual(page.requests.map(request => request.at), [0, 3000, 6000, 9000, 12_000, 15_000, 18_000, 21_000, 24_000, 27_000]);
    assert.equal(page.requests.filter(request => !request.signal.aborted).length, 3);
    assert.equal(page.requests[0].signal.aborted, false, 'the oldest has its time: the server may be slow');
    await page.answer({ body: { n: 'slow' } });
    assert.deepEqual(page.bodies, [{ n: 'slow' }]);
    await page.pass(36_000);
    assert.match(feed.status.reason, /no answer/);
});

test('the ETag goes back to the server, and 304 shows nothing new', async () => {
    const page = new Page();
    page.reply = { body: { n: 1 }, headers: { ETag: '"a"' } };
    live(URL_, page.options);
    await page.pass(0);
    page.reply = { status: 304 };
    await page.pass(3000);
    assert.equal(page.requests[0].headers['If-None-Match'], undefined);
    assert.equal(page.requests[1].headers['If-None-Match'], '"a"');
    assert.deepEqual(page.bodies, [{ n: 1 }]);
});

test('a failed poll is told and does not end the loop', async () => {
    const page = new Page();
    page.reply = { status: 503, body: 'away', type: 'text/plain' };
    live(URL_, page.options);
    await page.pass(0);
    assert.match(page.lastStatus.reason, /503/);
    page.reply = new Error('network');
    await page.pass(3000);
    page.reply = { body: { n: 2 } };
    await page.pass(3000);
    assert.deepEqual(page.bodies, [{ n: 2 }]);
    assert.equal(page.lastStatus.reason, 'polling');
});

test('told to push, it subscribes from the position of its poll and stops polling only when push is proven', async () => {
    const page = new Page();
    page.reply = pushed({ n: 0 }, '7.5-12');
    const feed = live(URL_, page.options);
    await page.pass(0);
    assert.equal(page.socket.url, 'ws://app.test/_doorbell/ws');
    assert.deepEqual(page.socket.protocols, ['doorbell.v1']);
    await page.pass(6000);
    assert.equal(page.requests.length, 3, 'still polling while the socket connects');
    page.socket.open();
    await page.pass(3000);
    assert.equal(page.requests.length, 4, 'still polling while nobody has confirmed');
    const { id, ...subscribe } = page.socket.of('subscribe')[0];
    assert.deepEqual(subscribe, { type: 'subscribe', poll: '/api/things?limit=5', since: '7.5-12', patch: true });
    await subscribed(page);
    assert.deepEqual(feed.status, { transport: 'push', via: 'websocket', live: true, reason: 'push' });
    await page.pass(9000);
    assert.equal(page.requests.length, 4);
});

test('a row change reaches onChange, and apply with the shown state, and what that returns is the new state', async () => {
    const [seen, told] = [[], []];
    const { page } = await livePage({
        apply(body, message) { seen.push([message.position, body]); return { n: body.n + 1 }; },
        onChange(message) { told.push(message.position); },
    });
    page.socket.say(change('1.2-5', null));
    page.socket.say(change('1.3-6', '1.2-5'));
    await page.pass(2000);
    assert.deepEqual(seen, [['1.2-5', { n: 0 }], ['1.3-6', { n: 1 }]]);
    assert.deepEqual(told, ['1.2-5', '1.3-6']);
    assert.deepEqual(page.bodies, [{ n: 0 }, { n: 1 }, { n: 2 }]);
    assert.equal(page.requests.length, 1, 'nothing was fetched again');
});

test('rows are applied to the poll body by their path and key', async () => {
    const page = new Page();
    page.reply = pushed({ open: 1, list: { items: [{ id: 3 }, { id: 1 }] } });
    live(URL_, { ...page.options, rows: { items: 'list.items', order: '-id', limit: 3 } });
    await page.pass(0);
    page.socket.open();
    await subscribed(page);
    page.socket.say({ ...change('1.2-5', null, 'insert', { id: 2, a: 'b' }), key: { id: 2 } });
    await page.pass(5000);
    assert.deepEqual(page.bodies.at(-1), { open: 1, list: { items: [{ id: 3 }, { id: 2, a: 'b' }, { id: 1 }] } });
    assert.equal(page.requests.length, 1);
    page.socket.say({ ...change('1.3-5', '1.2-5', 'delete'), data: undefined });
    await page.pass(100);
    assert.equal(page.requests.length, 2, 'a row may move into the window: only the poll knows which');
});

test('without rows or apply, or when apply gives nothing or throws, the whole state is fetched', async () => {
    const errors = console.error;
    console.error = () => {};
    try {
        for (const apply of [undefined, () => undefined, () => { throw new Error('mine'); }]) {
            const { page } = await livePage({ apply });
            await page.pass(5000);
            page.reply = pushed({ n: 9 }, '1.9-9');
            page.socket.say(change('1.2-5', null));
            await page.pass(50);
            assert.deepEqual(page.bodies.at(-1), { n: 9 });
            assert.equal(page.requests.length, 2);
        }
    } finally { console.error = errors; }
});

test('a direct message reaches onMessage, is no change of the state, and is a link of the chain', async () => {
    const said = [];
    const { page, feed } = await livePage({ apply: body => body, onMessage: message => said.push(message) });
    const message = {
        type: 'message', channel: 'things', position: '1.2-2', previous: '1.1-1', data: { text: 'hi' }, from: '7',
        session: 's', id: page.socket.of('subscribe')[0].id, timestamp: 1,
    };
    page.socket.say(message);
    page.socket.say(change('1.3-3', '1.2-2'));
    await page.pass(1000);
    assert.deepEqual(said, [message]);
    assert.equal(page.requests.length, 1);
    assert.equal(feed.transport, 'push');
    feed.close();
});

test('a burst of signals costs one fetch at once and one a second at most', async () => {
    const { page } = await livePage();
    await page.pass(5000);
    let last = null;
    for (let i = 2; i <= 41; i += 1) {
        page.reply = pushed({ n: i });
        page.socket.say({ type: 'signal', channel: 'things', position: `1.${i}-1`, previous: last, timestamp: 1 });
        last = `1.${i}-1`;
        await page.pass(50);
    }
    await page.pass(3000);
    assert.equal(page.requests[1].at, 5025, 'the first signal is followed at once, spread by the jitter');
    assert.ok(page.requests.length <= 5, `${page.requests.length} requests for 40 signals in 2 s`);
    assert.deepEqual(page.bodies.at(-1), { n: 41 });
});

test('what arrives during a fetch is shown at once, and applied again on top of its answer where that may not have it', async () => {
    const { page, feed } = await livePage({ apply: (body, message) => ({ n: body.n, also: [...body.also ?? [], message.position] }) });
    page.reply = null;
    feed.refresh();
    page.socket.say(change('1.2-5', null));
    page.socket.say(change('1.3-6', '1.2-5'));
    await page.pass(0);
    assert.deepEqual(page.bodies.at(-1), { n: 0, also: ['1.2-5', '1.3-6'] });
    await page.answer(pushed({ n: 7 }, '1.2-5'));
    assert.deepEqual(page.bodies.slice(3), [{ n: 7, also: ['1.3-6'] }], 'shown once; a state never goes back');
});

test('what is replayed from before a poll is told, and does not undo what the poll has shown', async () => {
    const [told, applied] = [[], []];
    const { page } = await livePage({ onChange: message => told.push(message.position), apply(body, message) { applied.push(message.position); } });
    page.socket.say(change('1.2-5', null));
    page.reply = pushed({ n: 5 }, '1.4-8');
    page.socket.end(1006);
    await page.pass(3000);
    page.socket.open();
    assert.equal(page.socket.of('subscribe')[0].since, '1.2-5', 'after what was told last');
    await subscribed(page, { position: '1.2-5' });
    for (const [position, previous] of [['1.3-6', null], ['1.3-7', '1.3-6'], ['1.10-2', '1.3-7']]) page.socket.say(change(position, previous));
    await page.pass(0);
    assert.deepEqual(told, ['1.2-5', '1.3-6', '1.3-7', '1.10-2']);
    assert.deepEqual(applied, ['1.2-5', '1.10-2']);
});

test('a gap in the chain is noticed, nothing is guessed, and the state is fetched', async () => {
    const [seen, applied] = [[], []];
    const { page } = await livePage({
        onChange(message) { seen.push(message.position); },
        apply(body, message) { applied.push(message.position); return body; },
    });
    await page.pass(5000);
    page.socket.say(change('1.2-5', '1.1-1'));
    page.reply = null;
    page.socket.say(change('1.4-7', '1.3-6'));
    page.socket.say(change('1.5-8', '1.4-7'));
    await page.pass(100);
    assert.deepEqual(applied, ['1.2-5'], 'changes beyond the gap wait for the whole state');
    await page.answer(pushed({ n: 5 }, '1.5-8'));
    page.socket.say(change('1.6-9', '1.5-8'));
    assert.deepEqual(applied, ['1.2-5', '1.6-9']);
    assert.deepEqual(page.bodies.at(-1), { n: 5 });
    assert.deepEqual(seen, ['1.2-5', '1.4-7', '1.5-8', '1.6-9'], 'each is told all the same, once');
});

test('a fetch that fails while push is live is tried again, and the state is not believed until then', async () => {
    const applied = [];
    const { page, feed } = await livePage({ apply(body, message) { applied.push(message.position); return body; } });
    await page.pass(5000);
    page.reply = new Error('network');
    page.socket.say({ type: 'reset', channel: 'things', reason: 'slow', position: '1.5-1' });
    await page.pass(100);
    assert.match(feed.status.reason, /network/);
    page.socket.say(change('1.6-9', '1.5-1'));
    assert.deepEqual(applied, []);
    page.reply = pushed({ n: 5 });
    await page.pass(3000);
    assert.deepEqual(page.bodies.at(-1), { n: 5 });
    page.socket.say(change('1.7-9', '1.6-9'));
    assert.deepEqual(applied, ['1.7-9']);
});

test('messages that were left out for a slow reader are no gap, and after them the chain is checked again', async () => {
    const seen = [];
    const { page, feed } = await livePage({ apply(body, message) { seen.push(message.position); return body; } });
    await page.pass(5000);
    page.socket.say(change('1.2-1', '1.1-1'));
    page.socket.say({ type: 'conflated', channel: 'things', through: '1.8-1', dropped: 4 });
    // Wherever the connection ends, it goes on after the last message, not after what is announced.
    assert.equal(feed.stats.messages, 2);
    page.socket.say(change('1.5-1', '1.4-1', 'update'));
    page.socket.say(change('1.8-1', '1.7-1', 'update'));
    page.socket.say(change('1.9-1', '1.8-1', 'update'));
    await page.pass(5000);
    assert.deepEqual(seen, ['1.2-1', '1.5-1', '1.8-1', '1.9-1']);
    assert.equal(page.requests.length, 1);
    page.socket.say(change('1.12-1', '1.11-1', 'update'));
    await page.pass(5000);
    assert.equal(page.requests.length, 2, 'a gap behind them is one');
});

test('reset, lost history and a subscription without a position each lead to a fetch; a snapshot spares it', async () => {
    const { page } = await livePage();
    await page.pass(2000);
    page.socket.say({ type: 'reset', channel: 'things', reason: 'slow', position: '1.5-1' });
    await page.pass(100);
    assert.equal(page.requests.length, 2);
    await page.pass(2000);
    page.socket.end(1006);
    page.reply = new Error('network');
    await page.pass(600);
    page.socket.open();
    page.reply = pushed({ n: 3 });
    await subscribed(page, { recovered: false });
    await page.pass(1000);
    assert.deepEqual(page.bodies.at(-1), { n: 3 });

    const other = new Page();
    other.reply = { body: { n: 0 }, headers: { 'Doorbell-Transport': 'push' } };
    live(URL_, other.options);
    await other.pass(0);
    other.socket.open();
    await subscribed(other);
    await other.pass(1000);
    assert.equal(other.requests.length, 2);

    const third = new Page();
    third.reply = { body: { n: 0 }, headers: { 'Doorbell-Transport': 'push' } };
    live(URL_, third.options);
    await third.pass(0);
    third.socket.open();
    await subscribed(third, { recovered: false, snapshot: { status: 200, body: { n: 'snapshot' } } });
    await third.pass(1000);
    assert.equal(third.requests.length, 1);
    assert.deepEqual(third.bodies.at(-1), { n: 'snapshot' });
});

test('a body that push changed is not mistaken for the one that was polled before', async () => {
    const { page } = await livePage({ apply: () => ({ n: 'pushed' }) });
    page.socket.say(change('1.2-5', null));
    await page.pass(0);
    page.socket.end(1006);
    await page.pass(3000);
    assert.deepEqual(page.bodies.slice(0, 3), [{ n: 0 }, { n: 'pushed' }, { n: 0 }]);
    assert.equal(page.requests.at(-1).headers['If-None-Match'], undefined);
});

test('a lost socket means polling, a new socket within the backoff, and a subscription from the last position', async () => {
    const { page, feed } = await livePage({ apply: body => body });
    page.socket.say(change('1.2-5', null));
    page.reply = new Error('server away');
    page.socket.end(1006);
    assert.equal(feed.transport, 'poll');
    await page.pass(499);
    assert.equal(page.sockets.length, 1);
    await page.pass(1);
    assert.equal(page.sockets.length, 2);
    await page.pass(1000);
    assert.equal(page.requests.at(-1).at, 1500, 'polling begins within one interval');
    page.socket.open();
    assert.equal(page.socket.of('subscribe')[0].since, '1.2-5');
    await subscribed(page);
    assert.equal(feed.transport, 'push');
    const polls = page.requests.length;
    await page.pass(10_000);
    assert.equal(page.requests.length, polls);
});

test('with several channels it resumes from the poll, which covers them all', async () => {
    const { page } = await livePage({ apply: body => body });
    await subscribed(page, { channel: 'more' });
    page.socket.say(change('1.2-5', null));
    page.reply = new Error('server away');
    page.socket.end(1006);
    await page.pass(600);
    page.socket.open();
    assert.equal(page.socket.of('subscribe')[0].since, '1.1-1');
});

test('the backoff doubles to 30 s, is drawn anew each time, and starts over after a useful connection', async () => {
    const page = new Page();
    page.reply = pushed({ n: 0 });
    page.randomValue = 0.999999;
    live(URL_, page.options);
    await page.pass(0);
    page.reply = new Error('the server is away, so nothing speaks against WebSockets');
    const gaps = [];
    for (let i = 0; i < 7; i += 1) {
        const [count, from] = [page.sockets.length, page.time];
        page.socket.end(1013);
        while (page.sockets.length === count) await page.pass(100);
        gaps.push(Math.round((page.time - from) / 1000));
    }
    assert.deepEqual(gaps, [1, 2, 4, 8, 16, 30, 30]);
    page.socket.open();
    await page.pass(26_000);
    const [count, from] = [page.sockets.length, page.time];
    page.socket.end(1001);
    while (page.sockets.length === count) await page.pass(100);
    assert.ok(page.time - from <= 1000);
});

test('a connection that stalls is found out within one interval, polled beside, and believed again when it speaks', async () => {
    const { page, feed } = await livePage();
    await page.pass(20_000);
    assert.equal(page.requests.length, 1);
    assert.equal(page.socket.of('ping').length, 11, 'asked each 0.6 intervals while it has nothing to say');
    page.socket.stalls = true;
    const [polls, heardAt] = [page.requests.length, 19_800];
    page.reply = pushed({ n: 1 }, '1.9-9');
    await page.pass(heardAt + 3000 - page.time);
    assert.deepEqual(feed.status, { transport: 'poll', via: 'poll', live: false, reason: 'silence' });
    await page.pass(0);
    assert.equal(page.requests.length, polls + 1, 'polled at once');
    assert.deepEqual(page.bodies.at(-1), { n: 1 });
    await page.pass(9000);
    assert.equal(page.requests.length, polls + 4, 'and then as the loop did');
    page.socket.stalls = false;
    page.socket.say({ type: 'pong' });
    assert.equal(feed.transport, 'push');
    await page.pass(9000);
    assert.equal(page.requests.length, polls + 4);
    assert.equal(page.sockets.length, 1);
});

test('with more patience there are fewer pings; silence for two heartbeats ends the connection in any case', async () => {
    const { page, feed } = await livePage({ proof: 60_000 });
    await page.pass(49_000);
    assert.equal(page.socket.of('ping').length, 3, 'a ping each half heartbeat');
    page.socket.stalls = true;
    await page.pass(50_000);
    assert.equal(feed.transport, 'poll');
    assert.ok(page.statuses.some(status => /heartbeat/.test(status.reason)));
    const silent = page.sockets[0];
    assert.equal(silent.closedWith, 1000);
    silent.say(change('1.2-5', null));
    assert.equal(feed.stats.messages, 0, 'the given-up socket is not listened to');
});

test('codes that say so end reconnecting until the server tells push anew', async () => {
    for (const code of [1000, 1002, 1003, 1007, 1009, 4500, 4501, 4502, 4503]) {
        assert.equal(mayReconnect(code), false);
        const { page, feed } = await livePage();
        page.socket.end(code, 'why');
        await page.pass(120_000);
        assert.equal(page.sockets.length, 1, `${code}`);
        assert.equal(feed.transport, 'poll');
        assert.ok(page.requests.length >= 40);
        page.reply = pushed({ n: 0 }, '1.1-1', { 'Doorbell-Transport': 'poll' });
        await page.pass(3000);
        page.reply = pushed({ n: 0 });
        await page.pass(3000);
        assert.equal(page.sockets.length, 2, 'poll, then push: that is news');
    }
    for (const code of [1001, 1006, 1012, 1013, 4000, 4001, 4002, 4499]) assert.equal(mayReconnect(code), true);
});

test('4002: every feed polls before push is tried again', async () => {
    const { page } = await livePage();
    page.randomValue = 0.999;
    page.socket.end(4002, 'capture is not live');
    while (page.sockets.length === 1) await page.pass(50);
    assert.equal(page.requests.length, 2);
    assert.ok(page.time >= 3000 && page.time <= 4100);
});

test('goodbye says when to come back', async () => {
    const { page } = await livePage();
    page.socket.say({ type: 'goodbye', reason: 'restart', reconnectAfter: 7000 });
    page.socket.end(1012);
    await page.pass(7000);
    assert.equal(page.sockets.length, 1);
    await page.pass(1000);
    assert.equal(page.sockets.length, 2);
});

test('a refused subscription polls, and is tried again after a minute, not at each poll', async () => {
    const { page, feed } = await livePage();
    const id = page.socket.of('subscribe')[0].id;
    page.socket.say({ type: 'error', code: 'forbidden', message: 'not yours', id });
    assert.deepEqual(feed.status, { transport: 'poll', via: 'poll', live: false, reason: 'not yours' });
    await page.pass(59_000);
    assert.equal(page.sockets.length, 1);
    await page.pass(4000);
    assert.equal(page.sockets.length, 2);
});

test('the server moves a feature between transports and is obeyed at once', async () => {
    const page = new Page();
    page.reply = pushed({ n: 0 });
    const feed = live(URL_, page.options);
    const other = live('http://app.test/api/other', {
        ...page.options,
        fetch: async (url, init) => page.fetch.call({ ...page, reply: pushed({}, '1.1-1', { 'Doorbell-Feature': 'g' }) }, url, init),
    });
    await page.pass(0);
    page.socket.open();
    for (const [i, { id }] of page.socket.of('subscribe').entries()) {
        page.socket.say({ type: 'subscribed', channel: `c${i}`, position: '1.1-1', recovered: true, version: 1, id });
    }
    page.socket.say({ type: 'transport', feature: 'f', use: 'poll' });
    assert.equal(feed.transport, 'poll');
    assert.equal(other.transport, 'push', 'another feature is left alone');
    assert.deepEqual(page.socket.of('unsubscribe').map(message => message.channel), ['c0']);
    page.socket.say({ type: 'transport', feature: 'f', use: 'push' });
    assert.equal(page.socket.of('subscribe').length, 3);
    page.socket.say({ type: 'subscribed', channel: 'c0', position: '1.1-1', recovered: true, version: 1,
        id: page.socket.of('subscribe')[2].id });
    assert.equal(feed.transport, 'push');
    assert.equal(page.sockets.length, 1);
});

test('all feeds of a page share one socket, which goes with the last of them', async () => {
    const page = new Page();
    page.reply = pushed({ n: 0 });
    const feeds = [live(URL_, page.options), live('http://app.test/api/other', page.options)];
    await page.pass(0);
    page.socket.open();
    assert.equal(page.sockets.length, 1);
    assert.equal(page.socket.of('subscribe').length, 2);
    feeds[0].close();
    assert.equal(page.socket.closedWith, null);
    feeds[1].close();
    assert.equal(page.socket.closedWith, 1000);
    const polls = page.requests.length;
    await page.pass(100_000);
    assert.equal(page.requests.length, polls, 'nothing runs after close');
    assert.equal(page.timers.size, 0);
});

test('poll and push can be insisted on', async () => {
    const page = new Page();
    page.reply = pushed({ n: 0 });
    const polling = live(URL_, { ...page.options, transport: 'poll' });
    await page.pass(6000);
    assert.equal(page.sockets.length, 0);
    polling.close();
    page.reply = { body: { n: 0 } };
    const pushing = live(URL_, { ...page.options, transport: 'push', version: [2, 1] });
    await page.pass(0);
    page.socket.open();
    const subscribe = page.socket.of('subscribe')[0];
    assert.deepEqual(subscribe.version, [2, 1]);
    page.socket.say({ type: 'subscribed', channel: 'c', position: '1.1-1', recovered: true, version: 2, id: subscribe.id });
    page.socket.say({ type: 'transport', feature: 'f', use: 'poll' });
    assert.equal(pushing.transport, 'push');
});

test('a late subscribed for a feed that has gone is answered by unsubscribe', async () => {
    const page = new Page();
    page.reply = pushed({ n: 0 });
    const keep = live('http://app.test/api/other', page.options);
    const feed = live(URL_, page.options);
    await page.pass(0);
    page.socket.open();
    const gone = page.socket.of('subscribe').find(message => message.poll.startsWith('/api/things')).id;
    feed.close();
    page.socket.say({ type: 'subscribed', channel: 'things', position: '1.1-1', recovered: true, version: 1, id: gone });
    assert.deepEqual(page.socket.of('unsubscribe'), [{ type: 'unsubscribe', channel: 'things', id: gone }]);
    keep.close();
});

test('where there is no WebSocket, or it is blocked, the page polls', async () => {
    const page = new Page();
    page.reply = pushed({ n: 0 });
    const Blocked = class { constructor() { throw new Error('blocked by policy'); } };
    const feed = live(URL_, { ...page.options, WebSocket: Blocked });
    await page.pass(6000);
    assert.equal(page.requests.length, 3);
    assert.match(feed.status.reason, /blocked by policy/);
});

test('two feeds on one channel share one subscription, whichever of them is left', async () => {
    for (const confirmed of [true, false]) {
        const page = new Page();
        page.reply = pushed({ n: 0 });
        const first = live(URL_, { ...page.options, onChange() {} });
        const seen = [];
        const second = live('http://app.test/api/things?limit=9', { ...page.options, onChange(m) { seen.push(m.position); } });
        await page.pass(0);
        page.socket.open();
        const [a, b] = page.socket.of('subscribe').map(message => message.id);
        const yes = { type: 'subscribed', channel: 'things', position: '1.1-1', recovered: true, version: 1, id: a };
        if (confirmed) page.socket.say(yes);
        else first.close();
        page.socket.say({ type: 'error', code: 'already_subscribed', message: '', id: b, channel: 'things' });
        if (!confirmed) page.socket.say(yes);
        first.close();
        await page.pass(3000);
        assert.equal(second.transport, 'push');
        assert.equal(page.socket.of('unsubscribe').length, 0);
        page.socket.say(change('1.2-5', null));
        assert.deepEqual(seen, ['1.2-5']);
        second.close();
    }
});

test('errors that pass by themselves are tried again sooner', async () => {
    const { page } = await livePage();
    const id = page.socket.of('subscribe')[0].id;
    page.socket.say({ type: 'error', code: 'upstream_unavailable', message: 'away', id });
    await page.pass(14_000);
    assert.equal(page.sockets.length, 2);
});

test('nonsense from the server changes nothing', async () => {
    const { page, feed } = await livePage({ apply: body => body });
    for (const text of ['', '{', 'null', '7', '"x"', '[]', '{}', '{"type":"batch"}', '{"type":"batch","messages":[null]}',
        '{"type":"welcome","heartbeat":-1}', '{"type":"never heard of","channel":"things"}', '{"type":"error"}',
        '{"type":"goodbye","reconnectAfter":"x"}', '{"type":"transport"}', '{"channel":"things","op":"insert"}']) {
        page.socket.say(text);
    }
    await page.pass(0);
    assert.equal(feed.transport, 'push');
});

test('a feed that has heard less than another of the same URL brings the subscription back to where it was', async () => {
    const page = new Page();
    page.reply = pushed({ n: 0 });
    const [first, second] = [[], []];
    const options = { ...page.options, background: false, apply: body => body };
    // The first does not listen to changes, and goes on from its polls; the second from what it has heard.
    live(URL_, options);
    live(URL_, { ...options, onChange: message => second.push(message.position) });
    await page.pass(0);
    page.socket.open();
    assert.equal(page.socket.of('subscribe').length, 1);
    await subscribed(page);
    page.socket.say(change('1.2-5', null));
    page.reply = pushed({ n: 5 }, '1.4-8');
    page.socket.end(1006);
    await page.pass(3000);
    page.socket.open();
    assert.deepEqual(page.socket.of('subscribe').map(message => message.since), ['1.4-8']);
    await subscribed(page);
    assert.deepEqual(page.socket.sent.slice(-2).map(({ type, since }) => [type, since]), [['unsubscribe', undefined], ['subscribe', '1.2-5']]);
    await subscribed(page, { position: '1.2-5' });
    for (const [position, previous] of [['1.3-6', null], ['1.4-8', '1.3-6'], ['1.5-9', '1.4-8']]) page.socket.say(change(position, previous));
    await page.pass(0);
    assert.deepEqual(second, ['1.2-5', '1.3-6', '1.4-8', '1.5-9']);
    assert.equal(page.socket.of('unsubscribe').length, 1);
    // A third one that begins later needs nothing that was.
    page.reply = pushed({ n: 6 }, '1.5-9');
    live(URL_, { ...options, onChange: message => first.push(message.position) });
    await page.pass(0);
    page.socket.say(change('1.6-1', '1.5-9'));
    await page.pass(1000);
    assert.deepEqual(first, ['1.6-1']);
    assert.equal(page.socket.of('subscribe').length, 2);
});
