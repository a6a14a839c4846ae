// Polls, as the loop that they replace.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { live, Page, pushed, subscribed, URL_ } from './fakes.js';

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
