// What pages and their surroundings do wrong.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { change, live, livePage, Page, pushed, subscribed, URL_ } from './fakes.js';

test('a feed that is closed by what it calls, calls nothing more, and nothing of it is left', async () => {
    const told = [];
    const { page, feed } = await livePage({
        apply: body => ({ ...body }),
        onChange(message) { told.push(message.position); feed.close(); },
        onData() { told.push('data'); },
    });
    told.length = 0;
    page.socket.say({ type: 'batch', messages: [change('1.2-2', null), change('1.3-3', '1.2-2')] });
    await page.pass(10_000);
    assert.deepEqual(told, ['1.2-2']);
    assert.equal(page.requests.length, 1);
    assert.equal(page.socket.closedWith, 1000);
    assert.equal(page.timers.size, 0);
});

test('a feed that is closed by its first data asks for no connection', async () => {
    const page = new Page();
    page.reply = pushed({ n: 0 });
    const feed = live(URL_, { ...page.options, onData: () => feed.close() });
    await page.pass(10_000);
    assert.equal(page.sockets.length, 0);
    assert.equal(page.requests.length, 1);
    assert.equal(page.timers.size, 0);
});

test('a feed that closes another one in the midst of a batch', async () => {
    const page = new Page();
    page.reply = pushed({ n: 0 });
    const told = [[], []];
    const options = { ...page.options, apply: body => ({ ...body }) };
    live(URL_, { ...options, onChange(message) { told[0].push(message.position); other.close(); } });
    const other = live(URL_, { ...options, onChange: message => told[1].push(message.position) });
    await page.pass(0);
    page.socket.open();
    await subscribed(page);
    page.socket.say({ type: 'batch', messages: [change('1.2-2', null), change('1.3-3', '1.2-2')] });
    await page.pass(1000);
    assert.deepEqual(told, [['1.2-2', '1.3-3'], []]);
});

test('a token that never comes is a failed poll, and is asked for anew', async () => {
    const page = new Page();
    let asked = 0;
    let give;
    const token = () => {
        asked += 1;
        return new Promise(resolve => { if (asked > 1) give = resolve; });
    };
    const feed = live(URL_, { ...page.options, token });
    let isRefreshed = false;
    feed.refresh().then(() => { isRefreshed = true; });
    await page.pass(36_000);
    assert.equal(page.requests.length, 0);
    assert.match(feed.status.reason, /no answer/);
    assert.ok(asked > 1);
    give('t');
    await page.pass(6000);
    assert.equal(page.requests.at(-1).headers.Authorization, 'Bearer t');
    assert.ok(isRefreshed);
    feed.close();
    assert.equal(page.timers.size, 0);
});

test('a token that cannot be had is a failed poll, and no rejection that nobody handles', async () => {
    const rejections = [];
    const note = reason => rejections.push(reason);
    process.on('unhandledRejection', note);
    try {
        for (const token of [() => { throw new Error('signed out'); }, async () => { throw new Error('signed out'); }]) {
            for (const auth of ['bearer', 'ticket', 'message']) {
                const page = new Page();
                page.reply = pushed({ n: 0 });
                const feed = live(URL_, { ...page.options, token, auth, transport: 'push' });
                await page.pass(30_000);
                assert.match(feed.status.reason, /signed out/);
                feed.close();
            }
        }
        await new Promise(resolve => setImmediate(resolve));
        assert.deepEqual(rejections, []);
    } finally { process.off('unhandledRejection', note); }
});

test('an option that is undefined is one that was not given', async () => {
    const page = new Page();
    page.reply = pushed({ n: 0 });
    const all = ['transport', 'background', 'drift', 'credentials', 'auth', 'proof', 'version', 'rows', 'apply', 'token', 'tabs', 'socketURL', 'headers'];
    live(URL_, { ...page.options, ...Object.fromEntries(all.map(name => [name, undefined])) });
    await page.pass(0);
    assert.equal(page.sockets.length, 1);
    page.socket.open();
    await subscribed(page);
    page.show('hidden');
    await page.pass(29_000);
    assert.equal(page.socket.closedWith, null);
    await page.pass(2000);
    assert.equal(page.socket.closedWith, 1000);
});

test('an interval that is none is the default', async () => {
    for (const interval of ['3000', 0, -1, NaN, null, 'often', undefined]) {
        const page = new Page();
        live(URL_, { ...page.options, interval });
        await page.pass(9100);
        assert.deepEqual(page.requests.map(request => request.at), [0, 3000, 6000, 9000], `${interval}`);
    }
});

test('a relative URL is the one that the page would fetch', async () => {
    const page = new Page();
    page.document.baseURI = 'http://app.test/base/';
    live('api/things', page.options);
    await page.pass(0);
    assert.equal(page.requests[0].url, 'http://app.test/base/api/things');
});

test('a clock that is set back does not stop the loop', async () => {
    const real = Date.now;
    const page = new Page();
    const { now, setTimeout, clearTimeout, ...options } = page.options;
    let polls = 0;
    try {
        await new Promise(resolve => {
            const feed = live(URL_, {
                ...options, interval: 5, background: false,
                fetch(...values) {
                    polls += 1;
                    Date.now = () => real() - 3_600_000 * polls;
                    if (polls === 4) { feed.close(); resolve(); }
                    return page.fetch(...values);
                },
            });
        });
    } finally { Date.now = real; }
    assert.equal(polls, 4);
});

test('a token without an end is not renewed', async () => {
    const page = new Page();
    page.reply = pushed({ n: 0 });
    let asked = 0;
    const feed = live(URL_, { ...page.options, token: () => `t${asked += 1}` });
    await page.pass(0);
    page.socket.open();
    await subscribed(page);
    for (const expires of [undefined, null, 0, 'soon']) page.socket.say({ type: 'refreshed', id: 'token', expires });
    await page.pass(20_000);
    assert.equal(asked, 1);
    assert.equal(feed.transport, 'push');
    assert.ok(page.socket.of('ping').length > 5, 'and the connection is asked whether it lives');
});

test('two feeds of one URL poll each at its own interval, and share the connection', async () => {
    const page = new Page();
    const slow = { ...page.options, interval: 5000 };
    live(URL_, page.options);
    live(URL_, slow);
    await page.pass(9900);
    assert.deepEqual(page.requests.map(request => request.at), [0, 0, 3000, 5000, 6000, 9000]);
    page.reply = pushed({ n: 0 });
    await page.pass(100);
    page.socket.open();
    await page.pass(3000);
    await subscribed(page);
    assert.equal(page.socket.of('subscribe').length, 1);
    const polls = page.requests.length;
    await page.pass(20_000);
    assert.equal(page.requests.length, polls);
});

test('a reader that is slow gets the newest state, and leaves nothing behind when it stops', async () => {
    const page = new Page();
    const feed = live(URL_, page.options);
    const read = [];
    const reading = (async () => {
        for await (const body of feed) {
            read.push(body.n);
            if (read.length === 1) {
                for (let n = 1; n < 50; n += 1) { page.reply = { body: { n } }; await page.pass(3000); }
            } else break;
        }
    })();
    await page.pass(0);
    await reading;
    assert.deepEqual(read, [0, 49]);
    feed.close();
    assert.equal(page.timers.size, 0);
});

test('what a page does to what it was given, does nothing to the state', async () => {
    const page = new Page();
    page.reply = pushed({ items: [{ id: 3 }, { id: 1 }] });
    const shown = [];
    const feed = live(URL_, {
        ...page.options, rows: { order: '-id' },
        onData(body) { shown.push(body.items.map(row => row.id)); body.items.reverse(); body.items[0].id = 99; },
        onChange(message) { message.data.id = 77; },
    });
    await page.pass(0);
    page.socket.open();
    await subscribed(page);
    page.socket.say({ ...change('1.2-2', null, 'insert', { id: 2 }), key: { id: 2 } });
    await page.pass(0);
    for await (const body of feed) { body.items.length = 0; break; }
    page.socket.say({ ...change('1.3-3', '1.2-2', 'insert', { id: 4 }), key: { id: 4 } });
    await page.pass(0);
    assert.deepEqual(shown, [[3, 1], [3, 2, 1], [4, 3, 2, 1]]);
});

test('a thousand feeds are one connection', async () => {
    const page = new Page();
    page.reply = pushed({ n: 0 });
    const feeds = Array.from({ length: 1000 }, (_, index) => live(`http://app.test/api/things/${index}`, { ...page.options, onData() {}, onStatus() {} }));
    await page.pass(0);
    page.socket.open();
    for (const [index, { id }] of page.socket.of('subscribe').entries()) {
        page.socket.say({ type: 'subscribed', channel: `c${index}`, position: '1.1-1', recovered: true, version: 1, id });
    }
    await page.pass(9000);
    assert.equal(feeds.filter(feed => feed.transport === 'push').length, 1000);
    assert.equal(page.requests.length, 1000);
    assert.equal(page.sockets.length, 1);
    feeds.forEach(feed => feed.close());
    assert.equal(page.socket.closedWith, 1000);
});
