// What a page written in TypeScript may and may not say. `bundle.test.js` has tsc read it; it is never run.

import { live, Change, Feed, Status } from '../doorbell';
import { liveFetch } from '../integrations/fetch';
import { liveElements } from '../integrations/htmx';
import { useLive } from '../integrations/react';
import { streaming } from '../integrations/rtk';
import { liveSWR, subscribe } from '../integrations/swr';
import { liveQueries } from '../integrations/tanstack';
import { useLive as useLiveVue } from '../integrations/vue';

interface Note { id: number; body: string; done: boolean }
interface Notes { items: Note[] }

const feed: Feed<Notes> = live<Notes, Note>('/api/notes', {
    interval: 3000, transport: 'auto', background: false, drift: 0, tabs: 'user-7', version: [2, 1],
    rows: { items: 'items', key: 'id', order: (a, b) => b.id - a.id, limit: 20, where: note => !note.done },
    onData(body) { body.items.map(note => note.body.trim()); },
    apply: (body, change) => change.data ? { items: [change.data, ...body.items] } : undefined,
    onChange(change: Change<Note>) { const done: boolean | undefined = change.data?.done; return void done; },
    onMessage: message => message.from?.trim(),
    onStatus({ via, live, reason }: Status) { if (live && via !== 'poll') reason.trim(); },
    onDrift: ({ was, is, fields }) => fields.length + was.items.length - is.items.length,
    token: async () => 'a.b.c', auth: 'ticket', headers: { 'X-Team': 'desk' }, credentials: 'include',
});

export async function read() {
    for await (const body of feed) if (body.items.length === 0) break;
    await feed.refresh();
    const { requests, drifts, lastUpdate }: { requests: number; drifts: number; lastUpdate: number | null } = feed.stats;
    feed.close();
    return [requests, drifts, lastUpdate, feed.transport === 'push'];
}

live(new URL('https://app.test/api/notes'));
// @ts-expect-error
live('/api/notes', { interval: '3000' });
// @ts-expect-error
live('/api/notes', { transport: 'socket' });
// @ts-expect-error
live<Notes>('/api/notes', { onData(body) { return body.rows; } });
// @ts-expect-error
live<Notes>('/api/notes', { apply: () => 7 });
// @ts-expect-error
feed.transport = 'poll';

export async function integrations() {
    const fetch = liveFetch(['/api/notes'], { interval: 1000 });
    const answer: Response = await fetch('/api/notes', { method: 'GET' });
    fetch.close();
    const { data, status } = useLive<Notes>('/api/notes', { onData: body => body.items });
    const count: number | undefined = data?.items.length;
    const { data: ref } = useLiveVue<Notes>(() => '/api/notes');
    const end: () => void = liveElements({ interval: 3000 });
    streaming<number>(id => `/api/notes/${id}`, { interval: 3000 });
    return [answer.ok, count, status.live, ref.value?.items, end, liveSWR(), subscribe({ interval: 3000 }), liveQueries];
}
// @ts-expect-error
useLive<Notes>('/api/notes').data.items;
// @ts-expect-error
streaming<number>((id: string) => id);
