// Tables whose rows stay: what changes is changed in place, so that focus, selection and a reader's place are not lost.

import { h, fill } from './dom.js';

/**
 * `columns`: { key, title, kind: 'number' | 'wide' | 'tight', show: (row) => text or node, sort: (row) => value, head: true for the row's name }.
 * `key(row)`: what a row is known by. Returns { node, update(rows) }.
 */
export function table({ caption, columns, key, sortBy = null, descending = false, empty = 'Nothing to show.' }) {
  let rows = [];
  let order = sortBy;
  let falling = descending;
  const known = new Map();
  const body = h('tbody');
  const note = h('p', { class: 'empty', hidden: true }, empty);
  const heads = columns.map((column) => {
    const cell = h('th', { scope: 'col', class: column.kind === 'number' ? 'number' : null });
    if (!column.sort) return fill(cell, column.title);
    return fill(cell, h('button', { type: 'button', on: { click: () => turn(column) } }, column.title));
  });
  const grid = h('table', {}, h('caption', {}, caption), h('thead', {}, h('tr', {}, heads)), body);
  const node = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption }, grid, note);

  function turn(column) {
    falling = order === column.key ? !falling : column.kind === 'number';
    order = column.key;
    draw();
  }

  function sorted() {
    const column = columns.find((each) => each.key === order);
    if (!column) return rows;
    const value = (row) => column.sort(row) ?? (typeof column.sort(row) === 'string' ? '' : -Infinity);
    const compare = (a, b) => (typeof a === 'string' ? String(a).localeCompare(String(b)) : a - b);
    return [...rows].sort((a, b) => (falling ? -1 : 1) * compare(value(a), value(b)));
  }

  function draw() {
    columns.forEach((column, index) => {
      if (!column.sort) return;
      heads[index].setAttribute('aria-sort', column.key === order ? (falling ? 'descending' : 'ascending') : 'none');
    });
    const seen = new Set();
    let place = body.firstElementChild;
    for (const row of sorted()) {
      const name = key(row);
      seen.add(name);
      let entry = known.get(name);
      if (!entry) {
        entry = { cells: columns.map((column) => h(column.head ? 'th' : 'td', { scope: column.head ? 'row' : null, class: column.kind ?? null })), shown: [] };
        entry.line = h('tr', {}, entry.cells);
        known.set(name, entry);
      }
      columns.forEach((column, index) => {
        const made = column.show(row);
        const text = made instanceof Node ? made.outerHTML ?? made.textContent : String(made ?? '');
        if (entry.shown[index] === text) return;
        entry.shown[index] = text;
        fill(entry.cells[index], made);
      });
      if (entry.line === place) place = place.nextElementSibling;
      else body.insertBefore(entry.line, place);
    }
    for (const [name, entry] of known) {
      if (seen.has(name)) continue;
      entry.line.remove();
      known.delete(name);
    }
    note.hidden = rows.length > 0;
    grid.hidden = rows.length === 0;
  }

  draw();
  return {
    node,
    update(next) {
      rows = next;
      draw();
    },
  };
}
