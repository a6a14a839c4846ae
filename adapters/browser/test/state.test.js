import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonical, digest, fields } from '../src/drift.js';
import { applied } from '../src/rows.js';
import { isCovered, merged } from '../src/state.js';

test('merge patches are those of RFC 7386', () => {
    const cases = [
        [{ a: 'b' }, { a: 'c' }, { a: 'c' }], [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }], [{ a: 'b' }, { a: null }, {}],
        [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }], [{ a: ['b'] }, { a: 'c' }, { a: 'c' }], [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
        [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }], [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
        [['a', 'b'], ['c', 'd'], ['c', 'd']], [{ a: 'b' }, ['c'], ['c']], [{ a: 'foo' }, null, null], [{ a: 'foo' }, 'bar', 'bar'],
        [{ e: null }, { a: 1 }, { e: null, a: 1 }], [[1, 2], { a: 'b', c: null }, { a: 'b' }], [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    ];
    for (const [target, patch, expected] of cases) {
        const before = JSON.stringify(target);
        assert.deepEqual(merged(target, patch), expected);
        assert.equal(JSON.stringify(target), before, 'the body before is left alone');
    }
});

test('positions are compared within an epoch only, and as numbers', () => {
    for (const [a, b] of [['1.2-3', '1.2-3'], ['1.9-1', '1.10-0'], ['1.2-9', '1.2-10']]) assert.ok(isCovered(a, b), `${a} ${b}`);
    for (const [a, b] of [['1.2-4', '1.2-3'], ['1.10-0', '1.9-1'], ['1.1-1', '2.1-1'], [null, '1.1-1'], ['1.1-1', null], [undefined, null], ['x', 'x']]) {
        assert.ok(!isCovered(a, b), `${a} ${b}`);
    }
});

test('rows are applied as the poll would answer, or not at all', () => {
    const body = { items: [{ id: 5 }, { id: 3 }], n: 1 };
    const after = (op, id, options = {}, more = {}, now = body) => applied(
        now, { op, key: { id }, ...(op === 'delete' ? {} : { data: { id, ...more } }) }, { order: '-id', ...options });
    assert.deepEqual(after('insert', 4), { items: [{ id: 5 }, { id: 4 }, { id: 3 }], n: 1 });
    assert.deepEqual(after('insert', 4, { limit: 2 }), { items: [{ id: 5 }, { id: 4 }], n: 1 });
    assert.equal(after('insert', 1, { limit: 2 }), body, 'behind the window');
    assert.deepEqual(after('insert', 1, { limit: 3 }).items.at(-1), { id: 1 });
    assert.deepEqual(after('update', 3, {}, { a: 1 }), { items: [{ id: 5 }, { id: 3, a: 1 }], n: 1 });
    assert.deepEqual(after('delete', 5), { items: [{ id: 3 }], n: 1 });
    assert.equal(after('delete', 5, { limit: 2 }), undefined, 'another row moves in');
    assert.equal(after('delete', 9), body);
    assert.deepEqual(after('insert', 4, { order: undefined }).items.map(row => row.id), [5, 3, 4], 'without an order, last');
    assert.deepEqual(after('insert', 4, { order: (a, b) => a.id - b.id }, {}, { items: [{ id: 3 }, { id: 5 }] }).items.map(row => row.id), [3, 4, 5]);
    assert.deepEqual(after('update', 3, { where: row => !row.done }, { done: true }), { items: [{ id: 5 }], n: 1 }, 'it is not meant any more');
    const ranked = { items: [{ id: 1, rank: 3 }, { id: 2, rank: 2 }] };
    assert.equal(after('update', 1, { order: '-rank', limit: 2 }, { rank: 1 }, ranked), undefined, 'it may have left the window');
    assert.deepEqual(after('update', 1, { order: '-rank' }, { rank: 1 }, ranked).items.map(row => row.id), [2, 1]);
    const two = applied([{ a: 1, b: 2, n: 0 }], { op: 'update', key: { a: 1, b: 2 }, data: { a: 1, b: 2, n: 1 } }, { items: '', key: ['a', 'b'] });
    assert.deepEqual(two, [{ a: 1, b: 2, n: 1 }]);
    assert.deepEqual(applied(body, { op: 'truncate' }, {}), { items: [], n: 1 });
    for (const wrong of [null, 7, {}, { items: 7 }]) assert.equal(after('insert', 1, {}, {}, wrong), undefined);
    assert.equal(applied(body, { op: 'insert', data: { line: 1 } }, {}), undefined, 'a row without a key');
});

test('states are compared by what they say, not by how', () => {
    assert.equal(canonical({ b: [{ d: 1, c: 2 }], a: null }), canonical({ a: null, b: [{ c: 2, d: 1 }] }));
    assert.notEqual(canonical([1, 2]), canonical([2, 1]));
    assert.equal(digest({ a: 1, b: 2 }), digest({ b: 2, a: 1 }));
    assert.notEqual(digest({ a: 1 }), digest({ a: '1' }));
});

test('a difference is told by its fields, each once', () => {
    const body = { at: 1, list: { items: [{ id: 1, price: 1 }, { id: 2, price: 2 }] } };
    assert.deepEqual(fields(body, structuredClone(body)), []);
    assert.deepEqual(fields(body, { at: 2, list: { items: [{ id: 1, price: '1' }, { id: 2, price: '2', by: 7 }] } }),
        ['at', 'list.items[].price', 'list.items[].by']);
    assert.deepEqual(fields(body, { at: 1, list: { items: [{ id: 1, price: 1 }] } }), ['list.items']);
    assert.deepEqual(fields([1, 2], [1, 3]), ['[]']);
    const time = '2026-11-26T10:00:00.5+00:00';
    for (const same of ['2026-11-26T10:00:00.500000+00:00', '2026-11-26T10:00:00.5Z', '2026-11-26 10:00:00.50-00:00']) assert.deepEqual(fields(time, same), []);
    assert.deepEqual(fields('2026-11-26T10:00:00+02:00', '2026-11-26T10:00:00.000+02:00'), []);
    for (const other of ['2026-11-26T10:00:00.05Z', '2026-11-26T10:00:00.5+01:00', '2026-11-26T10:00:00.5', 'Thu, 26 Nov 2026 10:00:00 GMT', 7]) {
        assert.deepEqual(fields({ time }, { time: other }), ['time']);
    }
    assert.deepEqual(fields({ a: 1 }, undefined), ['body']);
    assert.deepEqual(fields(null, [1]), ['body']);
});

test('where columns of the order are null or of two kinds, only a poll can tell', () => {
    const body = { items: [{ id: 2, at: 5 }, { id: 1, at: null }] };
    const rows = { order: '-at' };
    const after = data => applied(body, { op: 'update', key: { id: data.id }, data }, rows);
    assert.equal(after({ id: 3, at: 4 }), undefined);
    assert.equal(after({ id: 2, at: 'x' }), undefined);
    assert.deepEqual(after({ id: 1, at: null, b: 1 }).items[1], { id: 1, at: null, b: 1 }, 'a row that stays where it is');
});
