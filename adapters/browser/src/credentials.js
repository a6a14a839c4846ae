/** What a handshake is given: the token, and, where credentials travel in the URL, a ticket, which is good once, for half a minute. */
export async function credentials(page) {
    const token = await page.token();
    if (page.options.auth !== 'ticket') return { token };
    const response = await page.env.fetch(new URL('ticket', page.url).href, {
        method: 'POST', headers: await page.authorization(), credentials: page.options.credentials, cache: 'no-store',
    });
    if (!response.ok) throw new Error(`no ticket: HTTP ${response.status}`);
    return { token, ticket: JSON.parse(await response.text()).ticket };
}
