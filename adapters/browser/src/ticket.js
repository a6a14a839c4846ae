/** What a handshake needs that carries its credentials in its URL: a ticket is good once, for half a minute. */
export async function ticket(page) {
    const response = await page.env.fetch(new URL('ticket', page.url).href, {
        method: 'POST', headers: await page.authorization(), credentials: page.options.credentials, cache: 'no-store',
    });
    if (!response.ok) throw new Error(`no ticket: HTTP ${response.status}`);
    return { token: await page.token(), ticket: JSON.parse(await response.text()).ticket };
}
