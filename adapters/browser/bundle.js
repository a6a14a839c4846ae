// Writes into served/: client.js and client.classic.js, the adapter in one file as a service serves it, and more.js, which that loads where it is needed:
//
//     node bundle.js          needs Debian's terser, which shortens names; the files are kept in the repository
//
// The two differ in their ends: `client.js` is an ES module, `client.classic.js` is for <script> and makes `Doorbell.live`.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const TERSER = '/usr/share/nodejs/terser/bin/terser';
/** In the order in which they need each other. */
const FILES = ['core', 'state', 'feed', 'link', 'mux', 'page', 'live'];
const MORE = ['credentials', 'drift', 'rows', 'states', 'stream', 'tabs'];
/** What the second file has for the first. */
const EXPORTS = ['applied', 'credentials', 'reconcile', 'states', 'stream', 'Tabs'];
const GOLDEN = '../../Tests/Fixtures/wire/v1/';

const read = name => readFileSync(new URL(name, import.meta.url), 'utf8');
const bare = text => text.split('\n').filter(line => !line.startsWith('import ')).map(line => line.replace(/^export /, '')).join('\n');

export const canBuild = existsSync(TERSER);

/** Names that mean something to others: those of the wire and of the declarations, and every word that is used as text. */
function reserved(source) {
    const golden = readdirSync(new URL(GOLDEN, import.meta.url)).map(name => read(GOLDEN + name)).join();
    const words = [
        ...golden.match(/(?<=")[a-zA-Z]+(?=":)/g), ...source.match(/(?<=')[A-Za-z-]+(?=')/g),
        ...read('doorbell.d.ts').replace(/\/\*\*[^]*?\*\/|\/\/.*/g, '').match(/[A-Za-z]+/g), ...EXPORTS, 'say', 'to', 'Prefer', 'Accept', 'Authorization',
    ];
    return [...new Set(words)].sort();
}

/** Each of `sources` in short; they know each other's members by the same names. */
function shortened(sources) {
    const folder = mkdtempSync(join(tmpdir(), 'doorbell-bundle-'));
    try {
        const words = reserved(sources.join('\n'));
        writeFileSync(join(folder, 'config.json'), JSON.stringify({
            ecma: 2020, module: true, compress: { passes: 3, unsafe: true, unsafe_arrows: true }, mangle: { properties: { reserved: words } },
        }));
        return sources.map(input => execFileSync(
            process.execPath, [TERSER, '--config-file', 'config.json', '--name-cache', 'names.json'],
            { cwd: folder, input, encoding: 'utf8', env: { ...process.env, NODE_PATH: '/usr/share/nodejs' } }).trim());
    } finally { rmSync(folder, { recursive: true }); }
}

/** The files by their names. */
export function bundles() {
    const joined = names => names.map(name => bare(read(`src/${name}.js`))).join('\n');
    const [client, more] = shortened([`${joined(FILES)}\nexport { live };`, `${joined(MORE)}\nexport { ${EXPORTS} };`]);
    const head = '// Doorbell, Apache-2.0\n';
    const [, body, name] = /^([^]*)export *{ *([\w$]+) as live *};?$/.exec(client);
    return {
        'client.js': `${head}${client}\n`,
        'client.classic.js': `${head}(()=>{${body}globalThis.Doorbell={live:${name}}})();\n`,
        'more.js': `${head}${more}\n`,
    };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    for (const [name, text] of Object.entries(bundles())) {
        writeFileSync(new URL(`served/${name}`, import.meta.url), text);
        console.log(`${name}: ${text.length} bytes, ${gzipSync(text, { level: 9 }).length} compressed`);
    }
}
