// Whether two states are the same.

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

/** For `Feed.compared`: null, or the digest of `was` when the two differ. */
export function difference(was, is, rest) {
    return [canonical(was) === canonical(is) ? null : digest(was), is, rest];
}
