import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Browser, live, pushed } from './fakes.js';

const URL_ = 'http://app.test/api/things';
const change = (position, previous) => ({
    type: 'thing', channel: 'things', version: 1, position, previous, op: 'update', key: { id: 1 }, data: { id: 1 }, timestamp: 1,
});

/** A tab with one feed; `seen` are the positions of its changes. */
async function opened(browser, url = URL_, extra = {}) {
    const page = browser.tab();
    page.reply = pushed({ n: 0 });
    page.seen = [];
    page.feed = live(url, { ...page.options, tabs: 'user-7', apply: body => body, onChange: message => page.seen.push(message.position), ...extra });
    await page.pass(0);
    return page;
}

/** The service takes the subscriptions of `page` that it has not taken yet. */
async function taken(page, channel = 'things') {
    if (page.socket.readyState === 0) page.socket.open();
    await page.pass(0);
    for (const { id } of page.socket.of('subscribe').slice(page.taken ?? 0)) {
        page.socket.say({ type: 'subscribed', channel, position: '1.1-1', recovered: true, version: 1, id });
    }
    page.taken = page.socket.of('subscribe').length;
    await page.pass(0);
}

test('one tab connects for all', async () => {
    const browser = new Browser();
    const first = await opened(browser);
    await taken(first);
    const second = await opened(browser);
    const third = await opened(browser, 'http://app.test/api/other');
    await taken(first, 'other');
    assert.deepEqual([first, second, third].map(page => page.sockets.length), [1, 0, 0]);
    assert.deepEqual([first, second, third].map(page => page.feed.status.via), ['websocket', 'websocket', 'websocket']);
    assert.deepEqual(first.socket.of('subscribe').map(message => message.poll), ['/api/things', '/api/other']);
    first.socket.say(change('1.2-2', null));
    first.socket.say({ ...change('1.2-3', null), channel: 'other' });
    await first.pass(1000);
    assert.deepEqual([first, second, third].map(page => page.seen), [['1.2-2'], ['1.2-2'], ['1.2-3']]);
    const polls = [first, second, third].map(page => page.requests.length);
    await first.pass(30_000);
    assert.deepEqual([first, second, third].map(page => page.requests.length), polls, 'none of them polls');
});

test('a tab speaks to the one that connects only when it has its own lock, without which it would be taken for gone', async () => {
    const browser = new Browser();
    const first = await opened(browser);
    await taken(first);
    const second = browser.tab();
    browser.slow.add(second);
    second.reply = pushed({ n: 0 });
    second.feed = live(URL_, { ...second.options, tabs: 'user-7' });
    await second.pass(100);
    await taken(first);
    assert.equal(second.feed.status.via, 'websocket');
    assert.equal(second.sockets.length, 0);
});

test('two feeds of another tab on one channel are told each change once', async () => {
    const browser = new Browser();
    const first = await opened(browser);
    await taken(first);
    const second = await opened(browser);
    const more = [];
    live(`${URL_}?limit=9`, { ...second.options, tabs: 'user-7', apply: body => body, onChange: message => more.push(message.position) });
    await second.pass(0);
    const id = first.socket.of('subscribe').at(-1).id;
    first.socket.say({ type: 'error', code: 'already_subscribed', message: '', channel: 'things', id });
    await first.pass(100);
    first.socket.say(change('1.2-2', null));
    await first.pass(100);
    assert.deepEqual([first.seen, second.seen, more], [['1.2-2'], ['1.2-2'], ['1.2-2']]);
});

test('when the tab that connects is closed, another one does, and nothing is missed or told twice', async () => {
    const browser = new Browser();
    const [first, second, third] = [await opened(browser), await opened(browser), await opened(browser)];
    await taken(first);
    first.socket.say(change('1.2-2', null));
    await first.pass(0);
    first.feed.close();
    await second.pass(2000);
    assert.equal(first.socket.closedWith, 1000);
    assert.deepEqual([second, third].map(page => page.sockets.length), [1, 0]);
    second.socket.open();
    await second.pass(2000);
    assert.deepEqual(second.socket.of('subscribe').map(message => message.since), ['1.2-2']);
    const { id } = second.socket.of('subscribe')[0];
    second.socket.say({ type: 'subscribed', channel: 'things', position: '1.2-2', recovered: true, version: 1, id });
    second.socket.say(change('1.3-3', null));
    await second.pass(2000);
    assert.deepEqual([second, third].map(page => page.seen), [['1.2-2', '1.3-3'], ['1.2-2', '1.3-3']]);
    assert.equal(third.feed.transport, 'push');
});

test('when it crashes, the others poll within an interval, until one of them connects', async () => {
    const browser = new Browser();
    const [first, second] = [await opened(browser), await opened(browser)];
    await taken(first);
    first.socket.stalls = true; // nothing of it runs
    browser.crash(first);
    await second.pass(3000);
    assert.equal(second.sockets.length, 1);
    assert.ok(second.requests.length > 1, 'it has polled');
    await taken(second);
    assert.equal(second.feed.status.via, 'websocket');
});

test('a tab that goes takes its subscriptions with it, however it goes', async () => {
    const browser = new Browser();
    const first = await opened(browser);
    await taken(first);
    const [closed, crashed] = [await opened(browser, 'http://app.test/api/a'), await opened(browser, 'http://app.test/api/b')];
    const [a, b] = first.socket.of('subscribe').slice(1).map(message => message.id);
    first.socket.say({ type: 'subscribed', channel: 'a', position: '1.1-1', recovered: true, version: 1, id: a });
    first.socket.say({ type: 'subscribed', channel: 'b', position: '1.1-1', recovered: true, version: 1, id: b });
    await first.pass(0);
    closed.feed.close();
    await first.pass(0);
    assert.deepEqual(first.socket.of('unsubscribe').map(message => message.channel), ['a']);
    browser.crash(crashed);
    await first.pass(0);
    assert.deepEqual(first.socket.of('unsubscribe').map(message => message.channel), ['a', 'b']);
});

test('a stalled connection is found out by every tab', async () => {
    const browser = new Browser();
    const [first, second] = [await opened(browser), await opened(browser)];
    await taken(first);
    await first.pass(10_000);
    assert.deepEqual([first, second].map(page => page.feed.transport), ['push', 'push']);
    first.socket.stalls = true;
    await first.pass(3000);
    assert.deepEqual([first, second].map(page => page.feed.transport), ['poll', 'poll']);
    first.socket.stalls = false;
    first.socket.say({ type: 'pong' });
    await first.pass(3000);
    assert.deepEqual([first, second].map(page => page.feed.transport), ['push', 'push']);
});

test('what the server tells about transports, and refuses, reaches the tab that it is for', async () => {
    const browser = new Browser();
    const [first, second] = [await opened(browser), await opened(browser, 'http://app.test/api/other')];
    await taken(first);
    const id = first.socket.of('subscribe').at(-1).id;
    first.socket.say({ type: 'error', code: 'not_allowed', message: 'not yours', id });
    await first.pass(0);
    assert.deepEqual([first, second].map(page => page.feed.status.reason), ['push', 'not yours']);
    const third = await opened(browser);
    await third.pass(0);
    assert.equal(third.feed.transport, 'push');
    first.socket.say({ type: 'transport', feature: 'f', use: 'poll' });
    await first.pass(0);
    assert.deepEqual([first, third].map(page => page.feed.status.reason), ['told to poll', 'told to poll']);
});

test('tabs of different people, and tabs without a name, share nothing', async () => {
    const browser = new Browser();
    const pages = [await opened(browser), await opened(browser, URL_, { tabs: 'user-8' }), await opened(browser, URL_, { tabs: undefined })];
    assert.deepEqual(pages.map(page => page.sockets.length), [1, 1, 1]);
});

test('answers and their patches are put together once, and told whole', async () => {
    const browser = new Browser();
    const [first, second] = [await opened(browser), await opened(browser)];
    first.socket.open();
    await first.pass(0);
    const [{ id, patch }] = first.socket.of('subscribe');
    assert.equal(patch, true);
    first.socket.say({
        type: 'subscribed', channel: 'c', position: '1.1-1', recovered: false, version: 1, id, snapshot: { status: 200, etag: '"1"', body: { a: 1, b: 2 } },
    });
    await first.pass(100);
    first.socket.say({ type: 'answer', channel: 'c', position: '1.2-2', previous: null, status: 200, etag: '"2"', base: '"1"', patch: { b: null, c: 3 } });
    await first.pass(0);
    assert.deepEqual([first, second].map(page => page.bodies.at(-1)), [{ a: 1, c: 3 }, { a: 1, c: 3 }]);
});

test('while the tab that connects is frozen, the others poll, and are pushed to again when it goes on', async () => {
    const browser = new Browser();
    const [first, second] = [await opened(browser), await opened(browser)];
    await taken(first);
    first.socket.stalls = true;
    browser.freeze(first);
    const frozenAt = second.time;
    await second.pass(3000);
    assert.equal(second.feed.transport, 'poll');
    await second.pass(57_000);
    const polls = second.requests.filter(request => request.at > frozenAt).length;
    assert.ok(polls >= 19 && polls <= 30, `${polls} polls in a minute`);
    browser.thaw(first);
    first.socket.stalls = false;
    first.socket.say({ type: 'pong' });
    for (let i = 0; second.feed.status.via !== 'websocket'; i += 1) {
        assert.ok(i < 120, `${second.feed.status.reason}`);
        await second.pass(1000);
        await taken(first);
    }
    const last = first.socket.of('subscribe').at(-1);
    assert.equal(last.poll, '/api/things');
    first.socket.say(change('1.2-2', null));
    await second.pass(0);
    assert.deepEqual(second.seen, ['1.2-2']);
});

test('where there are no locks, or no channels, each tab connects by itself', async () => {
    for (const missing of ['locks', 'BroadcastChannel']) {
        const browser = new Browser();
        const page = await opened(browser, URL_, { [missing]: null });
        await taken(page);
        assert.equal(page.feed.status.via, 'websocket', missing);
        page.feed.close();
        assert.equal(browser.clock.timers.size, 0);
    }
});

test('where polls are refused, a second tab is given the state by the connection of the first', async () => {
    const browser = new Browser();
    const gone = { status: 410, body: {}, headers: { 'Doorbell-Transport': 'push', 'Doorbell-Feature': 'f', Deprecation: '@1' } };
    const pages = [];
    for (let i = 0; i < 2; i += 1) {
        const page = browser.tab();
        page.reply = gone;
        page.feed = live(URL_, { ...page.options, tabs: 'user-7', apply: body => body });
        pages.push(page);
        await page.pass(0);
        const { socket } = pages[0];
        if (i === 0) socket.open();
        await page.pass(0);
        const { id, since } = socket.of('subscribe').at(-1);
        assert.equal(since, undefined);
        socket.say({
            type: 'subscribed', channel: 'things', position: `1.${i + 1}-1`, recovered: true, version: 1, id, snapshot: { status: 200, body: { n: i } },
        });
        await page.pass(1000);
    }
    assert.equal(pages[0].socket.of('subscribe').length, 2);
    assert.deepEqual(pages.map(page => page.bodies.at(-1)), [{ n: 1 }, { n: 1 }]);
    assert.deepEqual(pages.map(page => page.feed.transport), ['push', 'push']);
});

test('a tab that dials again, though its last connection has not been ended by it, is welcome', async () => {
    const browser = new Browser();
    const [first, second] = [await opened(browser), await opened(browser)];
    await taken(first);
    assert.equal(second.feed.status.via, 'websocket');
    const [{ name }] = browser.channels;
    const channel = new browser.BroadcastChannel(name);
    channel.postMessage({ from: 'one that begins to connect', say: 'leader' });
    channel.close();
    await second.pass(0);
    assert.equal(second.feed.transport, 'poll');
    for (let i = 0; i < 5; i += 1) { await second.pass(1000); await taken(first); }
    assert.equal(second.feed.status.via, 'websocket');
});
