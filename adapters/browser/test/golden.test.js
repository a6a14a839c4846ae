import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { live, Page, pushed } from './fakes.js';

const folder = new URL('../../../Tests/Fixtures/wire/v1/', import.meta.url);
const files = existsSync(folder) ? readdirSync(folder).filter(name => name.endsWith('.json')).sort() : [];
/** What only a client says. */
const clientTypes = ['subscribe', 'unsubscribe', 'ack', 'auth', 'refresh', 'request', 'publish', 'drift', 'ping'];

test('golden messages exist', { skip: files.length === 0 && 'no golden files here' }, () => assert.ok(files.length > 5));

for (const name of files) {
    const text = readFileSync(new URL(name, folder), 'utf8').trim();
    test(`golden message ${name} is understood or ignored`, async () => {
        const message = JSON.parse(text);
        assert.equal(typeof message.type, 'string');
        if (clientTypes.includes(message.type)) return;
        const page = new Page();
        page.reply = pushed({ n: 0 }, '1.1-1', { 'Doorbell-Feature': message.feature ?? 'f' });
        const seen = [];
        const feed = live('http://app.test/api/x', { ...page.options, onChange(change) { seen.push(change); } });
        await page.pass(0);
        page.socket.open();
        const { id } = page.socket.of('subscribe')[0];
        const channel = message.channel ?? 'c';
        page.socket.say({ type: 'subscribed', channel, position: '1.1-1', recovered: true, version: 1, id });
        await page.pass(5000);
        page.socket.say(text);
        await page.pass(1000);
        assert.ok(['push', 'poll'].includes(feed.transport));
        if (message.op) assert.deepEqual(seen, [message]);
        if (['signal', 'reset'].includes(message.type)) assert.equal(page.requests.length, 2);
        feed.close();
        assert.equal(page.timers.size, 0);
    });
}
