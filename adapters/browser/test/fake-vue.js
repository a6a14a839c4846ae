// As much of Vue 3's reactivity as a composable uses (vuejs.org/api/reactivity-core, reactivity-advanced): Debian has Vue 2.6, which has none of it.

let reader = null; // what is being computed: it depends on the refs that it reads
let scope = null;

export function shallowRef(value) {
    const readers = new Set();
    return {
        get value() { if (reader) readers.add(reader); return value; },
        set value(now) { value = now; readers.forEach(each => each()); },
        isRef: true,
    };
}

export const unref = value => value?.isRef ? value.value : value;

export function watch(source, callback, { immediate } = {}) {
    let last;
    const again = () => look(false);
    const look = isFirst => {
        reader = again;
        const value = source();
        reader = null;
        if (isFirst ? immediate : value !== last) { last = value; callback(value); }
        last = value;
    };
    look(true);
}

export function onScopeDispose(end) { scope.push(end); }

/** Runs `setup` as a component does; returns what it returns, and what ends the component. */
export function component(setup) {
    const ends = scope = [];
    const result = setup();
    scope = null;
    return [result, () => ends.forEach(end => end())];
}
