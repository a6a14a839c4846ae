// The desk's page. Each panel follows one polled URL; where a row change can be applied by itself, `changes` says how.
import { live } from '/adapter/client.js';

const INTERVAL = 3000; // ms; what the polling loop had
const KEPT = { notifications: 20, inbox: 20, chat: 40 }; // rows that the polls answer with

const $ = (selector, parent = document) => parent.querySelector(selector);
const params = new URLSearchParams(location.search);
let transport = params.get('transport') ?? localStorage.getItem('transport') ?? 'auto';
let me = { id: null, name: null };
let room = 1;
const panels = {}; // name -> {feed, status}

function element(tag, attributes = {}, ...children) {
    const node = Object.assign(document.createElement(tag), attributes);
    node.append(...children);
    return node;
}

function clock(timestamp) {
    const time = new Date(timestamp);
    return element('time', {
        dateTime: time.toISOString(), title: time.toLocaleString(),
        textContent: time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }),
    });
}

async function post(path, body = {}) {
    const response = await fetch(path, {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
    });
    if (!response.ok) alert((await response.json().catch(() => ({}))).error ?? `HTTP ${response.status}`);
    return response.ok;
}

// --- Row changes applied to what a poll answered

/** For `rows`: the adapter does it. For `apply`: a change may be told twice, so it is applied by key; undefined: it cannot be, ask the poll. */
const changes = {
    inbox: { rows: { items: 'items', order: '-id', limit: KEPT.inbox } },
    notifications: {
        // The poll counts all open ones, of which only the newest are known here. Only for those the sum can be done.
        apply(body, change) {
            const before = body.items.find(item => item.id === change.key?.id);
            const newest = body.items[0]?.id ?? 0;
            if (change.op === 'delete' || !change.data || !(before || (change.op === 'insert' && change.key?.id > newest))) return undefined;
            const open = row => row && !row.done ? 1 : 0;
            const others = body.items.filter(item => item !== before);
            const items = [...others, change.data].sort((a, b) => b.id - a.id).slice(0, KEPT.notifications);
            return { open: body.open + open(change.data) - open(before), items };
        },
    },
    chat: {
        // The newest rows, the oldest of them first.
        apply(body, change) {
            if (!change.data) return undefined;
            const { messages } = body;
            if (messages.length >= KEPT.chat && change.data.id < messages[0].id) return body;
            const others = messages.filter(row => row.id !== change.data.id);
            return { messages: [...others, change.data].sort((a, b) => a.id - b.id).slice(-KEPT.chat) };
        },
    },
};

// --- Panels

function follow(name, url, onData) {
    panels[name]?.feed.close();
    const panel = panels[name] = { status: { transport: 'poll', live: false, reason: 'starting' } };
    let first = true;
    panel.feed = live(url, {
        interval: INTERVAL, transport, ...changes[name],
        onData(body) { onData(body, first); first = false; },
        onStatus(status) { panel.status = status; footer(name); },
    });
    footer(name);
}

function unfollow(name) {
    panels[name]?.feed.close();
    delete panels[name];
    const foot = $(`#${name} > footer`);
    if (foot) { foot.replaceChildren(); foot.className = ''; }
}

function footer(name) {
    const foot = $(`#${name} > footer`);
    const panel = panels[name];
    if (!foot || !panel?.feed) return;
    const { requests, messages, lastUpdate } = panel.feed.stats;
    const age = lastUpdate === null ? '–' : `${Math.round((Date.now() - lastUpdate) / 1000)} s ago`;
    foot.className = panel.status.live ? 'live' : '';
    foot.title = panel.status.reason;
    foot.replaceChildren(
        element('b', { textContent: panel.status.transport }),
        element('span', { textContent: `${requests} ${requests === 1 ? 'request' : 'requests'}` }),
        element('span', { textContent: `${messages} ${messages === 1 ? 'message' : 'messages'}` }),
        element('span', { textContent: `changed ${age}` }));
    Object.assign(foot.dataset, { requests, messages, transport: panel.status.transport });
}

/** Draws a list again; rows that were not there before light up, except the first time. */
function draw(list, rows, first, make) {
    const known = new Set([...list.children].map(item => item.dataset.id));
    list.replaceChildren(...rows.map(row => {
        const item = make(row);
        item.dataset.id = row.id;
        if (!first && !known.has(String(row.id))) item.classList.add('new');
        return item;
    }));
    if (rows.length === 0) list.append(element('li', { className: 'empty', textContent: 'Nothing here.' }));
}

function showNotifications(body, first) {
    const badge = $('#badge');
    if (!first && badge.textContent !== String(body.open)) {
        const bell = $('.bell');
        bell.classList.remove('rings');
        void bell.offsetWidth; // restarts the animation
        bell.classList.add('rings');
    }
    badge.textContent = body.open;
    badge.classList.toggle('none', body.open === 0);
    draw($('#notifications .list'), body.items, first, row => {
        const item = element('li', { className: `${row.kind}${row.done ? ' done' : ''}` },
            element('i'), element('span', { textContent: row.body }), clock(row.created_at));
        if (!row.done) {
            item.append(element('button', {
                textContent: 'Done', onclick: () => post(`/api/notifications/${row.id}/done`),
            }));
        }
        return item;
    });
}

function showInbox(body, first) {
    draw($('#inbox .list'), body.items, first, row => element('li', { className: row.read ? 'done' : '' },
        element('i'), element('span', { textContent: row.body }), clock(row.created_at)));
}

function showChat(body, first) {
    const talk = $('#chat .talk');
    const atEnd = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 40;
    draw(talk, body.messages, first, row => element('li', {},
        clock(row.created_at), element('b', { textContent: row.author }), row.body));
    if (first || atEnd) talk.scrollTop = talk.scrollHeight;
}

let orders = [];
function showDashboard(body) {
    orders = body.last;
    for (const figure of document.querySelectorAll('[data-figure]')) {
        const value = body[figure.dataset.figure];
        figure.textContent = figure.dataset.figure === 'revenue'
            ? value.toLocaleString([], { maximumFractionDigits: 0 }) : value;
    }
    const bars = $('.bars');
    const most = Math.max(1, ...orders.map(order => order.amount));
    bars.replaceChildren(...orders.map((order, index) => {
        const bar = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
        const height = Math.max(2, 108 * order.amount / most);
        const shape = { x: index * 10 + 1, y: 110 - height, width: 7.5, height, rx: 1.5, class: order.status };
        for (const [key, value] of Object.entries(shape)) bar.setAttribute(key, value);
        const title = document.createElementNS('http://www.w3.org/2000/svg', 'title');
        title.textContent = `${order.customer}: ${order.amount.toFixed(2)}, ${order.status}`;
        bar.append(title);
        return bar;
    }));
}

// --- The person

function showPerson(users) {
    const person = $('#person');
    const actions = $('#inbox .actions');
    if (me.id === null) {
        person.replaceChildren('Not signed in');
        actions.replaceChildren(...users.map(user => element('button', {
            textContent: `I am ${user.name}`, onclick: () => signIn('/api/login', { name: user.name }),
        })));
        $('#inbox .list').replaceChildren(element('li', { className: 'empty', textContent: 'Who are you?' }));
        return;
    }
    person.replaceChildren(me.name, element('em', { id: 'unread', textContent: '–', title: 'Not read yet' }),
        element('button', { textContent: 'Sign out', onclick: () => signIn('/api/logout') }));
    actions.replaceChildren(
        element('button', {
            textContent: 'All read', onclick: () => post(`/api/users/${me.id}/notifications/read`),
        }),
        ...users.filter(user => user.id !== me.id).map(user => element('button', {
            textContent: `Wave to ${user.name}`,
            onclick: () => post(`/api/users/${user.id}/notifications`, { body: `${me.name} waves` }),
        })));
}

async function signIn(path, body) {
    if (!await post(path, body)) return;
    // The socket speaks for whoever opened it: it closes with the last feed, and the next is somebody else's.
    Object.keys(panels).forEach(unfollow);
    start();
}

async function start() {
    const get = path => fetch(path).then(response => response.json());
    const [answer, { users }] = await Promise.all([get('/api/me'), get('/api/users')]);
    me = answer;
    showPerson(users);
    followAll();
}

function followAll() {
    follow('notifications', '/api/notifications', showNotifications);
    follow('dashboard', '/api/dashboard', showDashboard);
    follow('chat', `/api/rooms/${room}/messages`, showChat);
    if (me.id === null) {
        unfollow('inbox');
        unfollow('unread');
    } else {
        follow('inbox', `/api/users/${me.id}/notifications`, showInbox);
        follow('unread', `/api/users/${me.id}/unread`, body => { $('#unread').textContent = `${body.unread} unread`; });
    }
}

$('#transport').addEventListener('change', event => {
    transport = event.target.value;
    localStorage.setItem('transport', transport);
    followAll();
});
if (!['poll', 'push', 'auto'].includes(transport)) transport = 'auto';
$(`#transport [value=${transport}]`).checked = true;

for (const form of document.querySelectorAll('form')) {
    form.addEventListener('submit', async event => {
        event.preventDefault();
        const path = form.dataset.post ?? `/api/rooms/${room}/messages`;
        if (await post(path, Object.fromEntries(new FormData(form)))) form.reset();
    });
}
$('#sell').onclick = () => post('/api/orders', {
    customer: ['Ines', 'Jonas', 'Kemal', 'Lotte', 'Mara'][Math.floor(Math.random() * 5)],
    amount: Math.round(1000 + Math.random() * 14_000) / 100,
});
$('#ship').onclick = () => {
    const oldest = orders.find(order => order.status === 'open');
    if (oldest) post(`/api/orders/${oldest.id}/ship`);
};
fetch('/api/rooms').then(response => response.json()).then(({ rooms }) => {
    $('#room').replaceChildren(...rooms.map(each => element('option', { value: each.id, textContent: each.name })));
});
$('#room').onchange = event => {
    room = Number(event.target.value);
    follow('chat', `/api/rooms/${room}/messages`, showChat);
};
setInterval(() => Object.keys(panels).forEach(footer), 500);
start();
