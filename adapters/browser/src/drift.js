// Drift: a state that differs from the poll.

/** Fields of one feed that are told, each once. */
const MAX_DOUBTS = 100;

const isObject = value => value !== null && typeof value === 'object' && !Array.isArray(value);

/** JSON with the members of objects in order: equal for equal states. */
export function canonical(value) {
    return JSON.stringify(value, (_, each) => isObject(each)
        ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => a < b ? -1 : 1)) : each) ?? 'null';
}

/** 32 bits of a state in hexadecimal: FNV-1a over its canonical JSON. */
export function digest(value) {
    let hash = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(canonical(value))) hash = Math.imul(hash ^ byte, 0x01000193);
    return (hash >>> 0).toString(16).padStart(8, '0');
}

/** A time as RFC 3339 has it, in the one way of writing that there is without zeros at the end of its fraction; other texts as they are. */
function written(text) {
    return text.replace(/^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:(\.\d*[1-9])0*|\.0+)?(Z|[+-]\d\d:\d\d)$/i,
        (_, day, time, fraction = '', zone) => `${day}T${time}${fraction}${/Z|[+-]00:00/i.test(zone) ? 'Z' : zone}`);
}

/** In what fields two states differ, such as `items[].price`; a list with another number of elements is one field. */
export function fields(was, is, path = '') {
    if (canonical(was) === canonical(is)) return [];
    if (isObject(was) && isObject(is)) {
        return [...new Set([...Object.keys(was), ...Object.keys(is)])].flatMap(name => fields(was[name], is[name], path ? `${path}.${name}` : name));
    }
    if (Array.isArray(was) && was.length === is?.length && Array.isArray(is)) {
        return [...new Set(was.flatMap((each, index) => fields(each, is[index], `${path}[]`)))];
    }
    if (typeof was === 'string' && typeof is === 'string' && written(was) === written(is)) return [];
    return [path || 'body'];
}

/** Repairs the state of a `Feed` where it differs from `polled`, a poll's answer and what has come since; tells the page and the service. */
export function reconcile(feed) {
    const { body: was, polled: is, doubts } = feed;
    const found = fields(was, is).sort();
    if (!found.length) return;
    feed.stats.drifts += 1;
    // What differs each time, such as the time of the answer, is told once.
    if (doubts.size < MAX_DOUBTS && found.some(each => !doubts.has(each))) {
        found.forEach(each => doubts.add(each));
        const [channel, position] = [...feed.channels][0] ?? [];
        feed.do('drift', { was, is, fields: found }, `doorbell: ${feed.target}: the poll had something else in ${found.join(', ')}`);
        feed.do('report', { type: 'drift', channel, position: position ?? feed.since, digest: digest(was), id: 'drift' });
    }
    // Row changes do not make of it what the poll answers: from now on it is fetched.
    feed.isDoubted ||= feed.isMade;
    feed.isMade = false;
    feed.since = feed.polledAt ?? feed.since;
    feed.showPushed(is);
}
