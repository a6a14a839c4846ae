// Server-sent events of one feed.

/** Server-sent events by fetch, which, unlike EventSource, sees comments and status codes, has headers, and is in Node too. */
export async function stream(page, socket, { poll, since, version }, on) {
    const url = new URL('sse', page.url);
    const set = (name, value) => { if (value !== undefined) url.searchParams.append(name, value); };
    set('poll', poll);
    set('since', since);
    [version].flat().forEach(each => set('version', each));
    const controller = new AbortController();
    socket.close = () => controller.abort();
    try {
        const response = await page.env.fetch(url.href, {
            headers: { Accept: 'text/event-stream', ...await page.authorization() }, cache: 'no-store',
            credentials: page.options.credentials, signal: controller.signal,
        });
        const { status } = response;
        if (status !== 200 || !/event-stream/.test(response.headers.get('Content-Type'))) {
            controller.abort();
            return on('closed', { 401: 4500, 403: 4501 }[status] ?? 1006, `HTTP ${status}`);
        }
        on('opened');
        const decoder = new TextDecoder();
        let [rest, data] = ['', []];
        for (const reader = response.body.getReader(); ;) {
            const { done, value } = await reader.read();
            if (done) break;
            const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r/);
            rest = lines.pop();
            for (const line of lines) {
                if (line[0] === ':') on('beat');
                else if (line.startsWith('data:')) data.push(line.slice(5));
                else if (line === '' && data.length > 0) {
                    let message;
                    try { message = JSON.parse(data.join('\n')); } catch { /* none of ours */ }
                    data = [];
                    on('heard', message);
                }
            }
        }
        on('closed', 1006, 'the stream ended');
    } catch (error) { on('closed', 1006, error.message); }
}
