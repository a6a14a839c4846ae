import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import vm from 'node:vm';
import { gzipSync } from 'node:zlib';
import { bundles, canBuild } from '../bundle.js';
import { Page, pushed } from './fakes.js';

const read = name => readFileSync(new URL(`../served/${name}`, import.meta.url), 'utf8');
const TSC = ['/usr/bin/tsc', '/usr/local/bin/tsc'].find(existsSync);

test('what a page loads is at most 8 KiB compressed', () => {
    for (const name of ['client.js', 'client.classic.js', 'more.js']) {
        const size = gzipSync(read(name), { level: 9 }).length;
        assert.ok(size <= 8 * 1024, `${name}: ${size} bytes`);
    }
});

test('the served files are made of the sources as they are', { skip: !canBuild && 'terser is not installed' }, () => {
    for (const [name, text] of Object.entries(bundles())) assert.equal(read(name), text, `${name} is old: node bundle.js`);
});

test('the classic script makes Doorbell.live', async () => {
    const page = new Page();
    page.reply = pushed({ n: 1 });
    const context = { ...page.options, URL, AbortController, structuredClone, location: { href: 'http://app.test/page' }, console };
    context.globalThis = vm.createContext(context);
    vm.runInContext(read('client.classic.js'), context);
    const feed = context.Doorbell.live('/api/x', page.options);
    await page.pass(0);
    assert.equal(page.bodies[0].n, 1);
    assert.equal(page.requests[0].url, 'http://app.test/api/x');
    feed.close();
});

test('the declarations are right, and are those of the code', { skip: !TSC && 'TypeScript is not installed' }, () => {
    const options = ['--noEmit', '--strict', '--target', 'es2020', '--lib', 'es2020,dom', '--moduleResolution', 'node'];
    try {
        execFileSync(TSC, [...options, new URL('types.ts', import.meta.url).pathname], { encoding: 'utf8', stdio: 'pipe' });
    } catch (error) { assert.fail(error.stdout); }
});
