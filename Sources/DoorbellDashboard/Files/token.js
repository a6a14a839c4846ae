// The admin token: asked for, tried, and kept as long as the tab.

import { h, fill, field, announce } from './dom.js';
import { get, setToken, token, Away } from './api.js';
import { store, learnAccess } from './store.js';

/** Asks for the token; `then()` is called once it is right. */
export function askForToken(then = () => {}) {
  if (document.querySelector('dialog[open]')) return;
  const dialog = h('dialog', { 'aria-labelledby': 'token-title' });
  const close = h('button', { type: 'button', on: { click: () => dialog.close() } }, 'Cancel');
  if (store.access && !store.access.isTokenConfigured) {
    fill(dialog, h('h2', { id: 'token-title' }, 'Actions are off'),
      h('p', {}, 'The service has no admin token, so this page only shows. To change things here, set one in the configuration and start the service again:'),
      h('pre', { tabindex: 0 }, 'admin:\n  listen: 127.0.0.1:8081\n  token: ${ADMIN_TOKEN}'),
      h('p', {}, 'or the environment variable DOORBELL_ADMIN_TOKEN. ', h('code', {}, 'openssl rand -hex 24'), ' makes one.'),
      h('div', { class: 'buttons' }, close));
  } else if (token()) {
    fill(dialog, h('h2', { id: 'token-title' }, 'Actions are unlocked'), h('p', {}, 'The token is kept until this tab is closed.'),
      h('div', { class: 'buttons' }, close, h('button', { type: 'button', class: 'main', on: { click: forget } }, 'Lock again')));
  } else {
    const input = h('input', { type: 'password', autocomplete: 'off', required: true, size: 40 });
    const trouble = h('div', { role: 'alert' });
    fill(dialog, h('form', { method: 'dialog', novalidate: true, on: { submit } }, h('h2', { id: 'token-title' }, 'Admin token'),
      h('p', {}, 'What the configuration has under admin.token. It is kept until this tab is closed, and sent to this service only.'),
      field('Token', input), trouble,
      h('div', { class: 'buttons' }, close, h('button', { type: 'submit', class: 'main' }, 'Unlock'))));

    async function submit(event) {
      event.preventDefault();
      try {
        const access = await get('access', undefined, input.value.trim());
        if (!access.canAct) throw new Error('this is not the admin token');
        store.access = access;
        setToken(input.value.trim());
        dialog.close();
        announce('Actions are unlocked.');
        then();
      } catch (error) {
        fill(trouble, h('p', { class: 'error' }, error instanceof Away ? 'The service does not answer.' : `Refused: ${error.message}.`));
        input.select();
        input.focus();
      }
    }
  }
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();

  async function forget() {
    setToken(null);
    await learnAccess();
    dialog.close();
    announce('Actions are locked.');
  }
}
