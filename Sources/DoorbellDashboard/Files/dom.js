// Elements from values. Text is always text: nothing that a client sent can become markup.

const svgNames = new Set(['svg', 'path', 'line', 'rect', 'text', 'g', 'title', 'desc', 'polyline']);

/** `h('a', { href, class, on: { click } }, 'text', node, …)`. Attributes that are null, undefined or false are left out. */
export function h(name, attributes = {}, ...children) {
  const node = svgNames.has(name) ? document.createElementNS('http://www.w3.org/2000/svg', name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === 'on') {
      for (const [event, action] of Object.entries(value)) node.addEventListener(event, action);
    } else {
      node.setAttribute(key, value === true ? '' : String(value));
    }
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
}

/** Puts children in the place of those that there are. */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

/** Changes text only when it differs, so that nothing is redrawn or read out for nothing. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const announcer = () => document.querySelector('#announcer');

/** Says something to screen readers, politely. */
export function announce(text) {
  setText(announcer(), text);
}

export function badge(tone, text) {
  return h('span', { class: `badge ${tone}` }, text);
}

let lastId = 0;

/** A label with its control. */
export function field(label, control, hint) {
  control.id ||= `field-${++lastId}`;
  const note = hint && h('small', { id: `${control.id}-hint` }, hint);
  if (note) control.setAttribute('aria-describedby', note.id);
  return h('div', {}, h('label', { for: control.id }, label), control, note);
}

/** Radio buttons that look like one control. `choices`: [value, text] … */
export function choices(legend, name, options, current, changed) {
  return h('fieldset', { class: 'choices' }, h('legend', {}, legend), options.map(([value, text]) =>
    h('label', {}, h('input', {
      type: 'radio', name, value, checked: value === current, on: { change: () => changed(value) },
    }), text)));
}
