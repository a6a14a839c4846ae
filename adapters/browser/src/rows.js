// Row changes applied to a poll body.

/** `rows.order` as a comparison. `-id` is descending. */
function comparison(order) {
    if (typeof order !== 'string') return order;
    const [sign, name] = order[0] === '-' ? [-1, order.slice(1)] : [1, order];
    return (a, b) => {
        if (a[name] === b[name]) return 0;
        // Where `null` stands, the database decides.
        if (typeof a[name] !== typeof b[name] || a[name] === null) return NaN;
        return a[name] < b[name] ? -sign : sign;
    };
}

/** `body` with the list at `path` replaced. */
function replaced(body, path, list) {
    if (path.length === 0) return list;
    return { ...body, [path[0]]: replaced(body[path[0]], path.slice(1), list) };
}

/**
 * `body` after a row change, as the poll would answer; `body` itself when the change is out of sight; undefined when only a poll can tell.
 * `rows`: see `RowOptions` in `doorbell.d.ts`. Changes may repeat.
 */
export function applied(body, change, { items = 'items', key = 'id', order, limit = Infinity, where }) {
    const path = items === '' ? [] : items.split('.');
    const list = path.reduce((value, name) => value?.[name], body);
    if (!Array.isArray(list)) return undefined;
    if (change.op === 'truncate') return replaced(body, path, []);
    if (!change.key) return undefined;
    const names = [key].flat();
    const at = list.findIndex(row => names.every(name => row[name] === change.key[name]));
    const isFull = list.length >= limit;
    const row = change.data;
    if (change.op === 'delete' || (where && !where(row))) {
        if (at < 0) return body;
        // Behind a full window there may be a row that moves in.
        return isFull ? undefined : replaced(body, path, list.filter((_, index) => index !== at));
    }
    const compare = comparison(order);
    if (at >= 0 && (!compare || compare(list[at], row) === 0)) {
        return replaced(body, path, list.map((each, index) => index === at ? row : each));
    }
    const others = list.filter((_, index) => index !== at);
    if (compare && others.some(each => Number.isNaN(compare(row, each)))) return undefined;
    const found = compare ? others.findIndex(each => compare(row, each) < 0) : -1;
    const place = found < 0 ? others.length : found;
    if (isFull && place === others.length) return at < 0 ? body : undefined;
    return replaced(body, path, [...others.slice(0, place), row, ...others.slice(place)].slice(0, limit));
}
