import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { live, Page } from './fakes.js';

const folder = new URL('../../../Tests/Fixtures/client/', import.meta.url);

for (const name of readdirSync(folder).filter(each => each.endsWith('.json')).sort()) {
    const { title, options: { events, ...options }, steps } = JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
    test(`${name}: ${title}`, async () => {
        const page = new Page();
        const told = { changes: [], messages: [], fields: [], joined: [] };
        const begin = () => live('http://app.test/api/things?limit=5', {
            ...page.options, ...options, onDrift: ({ fields }) => told.fields.push(...fields),
            ...(events && { onChange: each => told.changes.push(each.position), onMessage: each => told.messages.push(each.position) }),
        });
        const sent = () => page.socket.sent.filter(({ type }) => type !== 'ping').map(({ id, digest, ...rest }) => rest);
        const seen = {
            requests: () => page.requests.map(request => request.at), 'open-requests': () => page.requests.filter(each => !each.signal.aborted).length,
            'if-none-match': () => page.requests.map(request => request.headers['If-None-Match'] ?? null), connections: () => page.sockets.length,
            closed: () => page.sockets.map(socket => socket.closedWith), sent, 'sent-types': () => sent().map(message => message.type),
            states: () => page.bodies, state: () => page.bodies.at(-1), changes: () => told.changes, messages: () => told.messages,
            drifts: () => feed.stats.drifts, fields: () => [...new Set(told.fields)], joined: () => told.joined.at(-1),
            status: () => [feed.status.transport, feed.status.reason],
        };
        const actions = {
            poll(reply) { page.reply = reply; },
            answer: reply => page.answer(reply),
            pass: ms => page.pass(ms),
            open() { page.socket.open(); },
            subscribed(more) {
                const { id } = page.socket.of('subscribe').at(-1);
                page.socket.say({ type: 'subscribed', channel: 'things', position: '1.1-1', recovered: true, version: 1, id, ...more });
            },
            say: message => page.socket.say(message),
            close: ([code, reason]) => page.socket.end(code, reason),
            join() {
                other = live('http://app.test/api/things?limit=5', {
                    ...page.options, ...options, onData() {}, onStatus: ({ transport, reason }) => told.joined.push([transport, reason]),
                });
            },
            stall(isStalled) { page.socket.stalls = isStalled; },
            expect(expected) {
                for (const [what, value] of Object.entries(expected)) assert.deepEqual(seen[what](), value, `${what} in step ${number}`);
            },
        };
        let [number, feed, other] = [0, null, null];
        for (const step of steps) {
            number += 1;
            const [[action, value]] = Object.entries(step);
            await actions[action](value);
            feed ??= begin();
            if (action !== 'pass') await page.pass(0);
        }
        feed.close();
        other?.close();
        assert.equal(page.timers.size, 0);
    });
}
