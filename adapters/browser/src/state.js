// States as values.

const isObject = value => value !== null && typeof value === 'object' && !Array.isArray(value);

/** RFC 7386. Neither argument is changed. */
export function merged(target, patch) {
    if (!isObject(patch)) return patch;
    const result = isObject(target) ? { ...target } : {};
    for (const [name, value] of Object.entries(patch)) {
        if (value === null) delete result[name];
        else result[name] = merged(result[name], value);
    }
    return result;
}

/** Whether what happened at position `a` is in a state that has everything up to `b`. False where that cannot be told. */
export function isCovered(a, b) {
    const [[epoch, ...place], [other, ...end]] = [a, b].map(each => `${each}`.split(/[.-]/));
    return epoch === other && (place[0] - end[0] || place[1] - end[1]) <= 0;
}
