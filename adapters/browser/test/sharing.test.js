// Feeds of one page, and features that the server moves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { change, live, Page, pushed, subscribed, URL_ } from './fakes.js';

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
