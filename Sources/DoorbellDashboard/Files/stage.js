// The dialog that moves a feature: what will happen, why, and by whom.

import { h, fill, field, announce } from './dom.js';
import { post, Away } from './api.js';
import { refreshStatus } from './store.js';
import { consequences } from './figures.js';
import { stage as name } from './format.js';

const stages = ['observe', 'shadow', 'canary', 'push', 'retired'];
const nameKey = 'doorbell-name';

/** Asks, and moves it. `done()` is called after it was moved. */
export function askToMove(feature, done) {
  const dialog = h('dialog', { 'aria-labelledby': 'move-title' });
  const share = h('input', { type: 'number', min: 0, max: 100, step: 'any', inputmode: 'decimal', required: true, value: feature.stage === 'canary' ? feature.percent : 5 });
  const why = h('textarea', { required: true, maxlength: 2000 });
  const by = h('input', { type: 'text', maxlength: 100, autocomplete: 'name', value: localStorage.getItem(nameKey) ?? '' });
  const happens = h('div', { class: 'happens', role: 'status' });
  const trouble = h('div', { role: 'alert' });
  const confirm = h('button', { type: 'submit', class: 'main' });
  const percentField = field('Share of the clients, percent', share);
  let target = feature.stage;

  const options = h('fieldset', { class: 'choices' }, h('legend', {}, 'To'), stages.map((each) => h('label', {},
    h('input', { type: 'radio', name: 'stage', value: each, checked: each === target, on: { change: () => { target = each; draw(); } } }), each)));
  const form = h('form', { method: 'dialog', novalidate: true, on: { submit } },
    h('h2', { id: 'move-title' }, `Move ${feature.name}`),
    h('p', {}, `It is at ${name(feature.stage, feature.percent)} now.`),
    options, percentField, happens,
    field('Reason', why, 'For the audit log.'), field('Your name', by, 'For the audit log; this browser remembers it.'),
    trouble,
    h('div', { class: 'buttons' }, h('button', { type: 'button', on: { click: () => dialog.close() } }, 'Cancel'), confirm));

  dialog.append(form);
  dialog.addEventListener('close', () => dialog.remove());
  share.addEventListener('input', draw);
  document.body.append(dialog);
  draw();
  dialog.showModal();
  options.querySelector(':checked').focus();

  function draw() {
    const percent = Number(share.value);
    percentField.hidden = target !== 'canary';
    fill(happens, consequences(feature, target, percent).map((text) => h('p', {}, text)));
    const same = target === feature.stage && (target !== 'canary' || percent === feature.percent);
    confirm.textContent = same ? 'It is there already' : `Move to ${name(target, percent)}`;
    confirm.disabled = same;
  }

  function complain(text, control) {
    fill(trouble, h('p', { class: 'error' }, text));
    control?.focus();
  }

  async function submit(event) {
    event.preventDefault();
    if (confirm.disabled) return;
    const percent = Number(share.value);
    if (target === 'canary' && (share.value === '' || !(percent >= 0 && percent <= 100))) {
      complain('The share has to be from 0 to 100.', share);
      return;
    }
    if (!why.value.trim()) {
      complain('Give a reason: whoever reads the audit log will want it.', why);
      return;
    }
    localStorage.setItem(nameKey, by.value.trim());
    confirm.disabled = true;
    try {
      const moved = await post(`stages/${encodeURIComponent(feature.name)}`, {
        stage: target, ...(target === 'canary' ? { percent } : {}), why: why.value.trim(), by: by.value.trim(), revision: feature.revision,
      });
      dialog.close();
      announce(`${feature.name} is at ${name(moved.stage, moved.percent)}.`);
      refreshStatus();
      done();
    } catch (error) {
      confirm.disabled = false;
      complain(error instanceof Away ? 'The service has not answered. It may have been moved all the same: look at the audit log.' : `Refused: ${error.message}. ${error.hint ?? ''}`);
    }
  }
}
