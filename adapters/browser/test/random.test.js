import assert from 'node:assert/strict';
import { test } from 'node:test';
import { live, Page } from './fakes.js';
import { Model } from './model.js';

const CHANGES = Number(process.env.DOORBELL_CHANGES ?? 10_000);
/** Any other number makes another history. */
const SEED = Number(process.env.DOORBELL_SEED ?? 1);

/** mulberry32. */
function chance(seed) {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let t = Math.imul(state ^ (state >>> 15), 1 | state);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
}

for (const mode of ['rows', 'signal', 'answer']) {
    test(`${mode}: after ${CHANGES} random changes, while the transport changes at random, states are the poll's (seed ${SEED})`, async () => {
        const random = chance(SEED + mode.length);
        const page = new Page();
        const model = new Model(page, random, mode);
        const told = [];
        const vias = new Map();
        let shown;
        const options = {
            ...page.options, WebSocket: page.WebSocket, random, drift: 10_000, background: 500,
            rows: { items: 'items', order: (a, b) => b.rank - a.rank || b.id - a.id, limit: model.limit },
        };
        // Another feed of the page, which does not listen to changes, and so resumes from its polls.
        const other = { shown: undefined };
        other.feed = live('http://app.test/api/things', { ...options, onData(body) { other.shown = body; } });
        const feed = live('http://app.test/api/things', {
            ...options,
            onData(body) { shown = body; },
            onChange: message => told.push(message.position),
            onStatus: ({ via }) => vias.set(via, (vias.get(via) ?? 0) + 1),
        });
        await page.pass(1000);
        assert.equal(feed.status.via, 'websocket');
        const any = list => list[Math.floor(random() * list.length)];
        let checks = 0;
        for (let changes = 0; changes < CHANGES;) {
            // A stretch of changes with something going wrong in it.
            const trouble = any(['none', 'cut', 'cut', 'stall', 'websocket', 'events', 'all', 'poll', 'told', 'hidden']);
            if (trouble === 'stall') model.isStalled = true;
            if (trouble === 'websocket' || trouble === 'events') { model.refuses.add('websocket'); model.cut(); }
            if (trouble === 'events') model.refuses.add('events');
            if (trouble === 'all') { ['websocket', 'events', 'hold'].forEach(each => model.refuses.add(each)); model.cut(); }
            if (trouble === 'poll') model.refuses.add('poll');
            if (trouble === 'told') model.move('poll');
            if (trouble === 'hidden') page.show('hidden');
            const stretch = 20 + Math.floor(random() * 80);
            for (let i = 0; i < stretch; i += 1, changes += 1) {
                model.change();
                if (trouble === 'cut' && random() < 0.1) model.cut();
                await page.pass(random() * (trouble === 'websocket' || trouble === 'events' ? 1200 : 150));
            }
            model.isStalled = false;
            if (trouble === 'told') model.move('push');
            page.show('visible');
            if (random() < 0.7) model.refuses.clear();
            else model.refuses.delete('poll');
            // The old interval and a second, and the delays of the network that this one has.
            await page.pass(3000 + 1000 + 300);
            assert.deepEqual(shown, model.body, `after ${changes} changes, ${trouble}, ${JSON.stringify(feed.status)}`);
            assert.deepEqual(other.shown, model.body, `the other feed after ${changes} changes, ${trouble}, ${JSON.stringify(other.feed.status)}`);
            checks += 1;
        }
        model.refuses.clear();
        for (let i = 0; feed.status.via !== 'websocket'; i += 1) {
            assert.ok(i < 2000, 'the page is pushed to again');
            await page.pass(1000);
        }
        await page.pass(10_000);
        assert.deepEqual(shown, model.body);
        assert.equal(feed.stats.drifts + other.feed.stats.drifts, 0);
        assert.equal(new Set(told).size, told.length, 'no change is told twice');
        if (mode === 'rows') assert.deepEqual(told, model.log.map(each => each.position), 'in order, and none is missing');
        if (CHANGES >= 5000) for (const via of ['poll', 'websocket', 'events', 'long-poll']) assert.ok(vias.get(via) > 0, `${via} was never used in ${checks} stretches`);
        feed.close();
        other.feed.close();
    });
}
