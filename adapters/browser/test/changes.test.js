// What is pushed, and the state that it makes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { change, live, livePage, Page, pushed, subscribed, URL_ } from './fakes.js';

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
