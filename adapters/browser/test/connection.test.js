// The connection: proof of life, reconnecting, close codes, refusals.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { change, live, livePage, mayReconnect, Page, pushed, subscribed, URL_ } from './fakes.js';

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

test('errors that pass by themselves are tried again sooner', async () => {
    const { page } = await livePage();
    const id = page.socket.of('subscribe')[0].id;
    page.socket.say({ type: 'error', code: 'upstream_unavailable', message: 'away', id });
    await page.pass(14_000);
    assert.equal(page.sockets.length, 2);
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
