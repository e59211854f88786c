/**
 * Script of the page. It only adds to what is there: without it all figures stand one below the other and tables show all
 * their rows.
 */
export const SCRIPT = `'use strict';
const make = (tag, properties, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

for (const box of document.querySelectorAll('[data-tabs]')) {
  const bar = box.querySelector('.tabs');
  if (!bar) continue;
  const tabs = [...bar.querySelectorAll('a')];
  const figures = tabs.map((tab) => document.getElementById(tab.hash.slice(1)));
  const show = (chosen) => tabs.forEach((tab, index) => {
    tab.setAttribute('aria-selected', String(index === chosen));
    tab.tabIndex = index === chosen ? 0 : -1;
    figures[index].hidden = index !== chosen;
  });
  bar.setAttribute('role', 'tablist');
  tabs.forEach((tab, index) => {
    tab.id = 'tab-' + figures[index].id;
    tab.setAttribute('role', 'tab');
    tab.setAttribute('aria-controls', figures[index].id);
    figures[index].setAttribute('role', 'tabpanel');
    figures[index].setAttribute('aria-labelledby', tab.id);
    tab.addEventListener('click', (event) => { event.preventDefault(); show(index); });
    tab.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step === undefined && event.key !== ' ') return;
      event.preventDefault();
      const next = (index + (step ?? 0) + tabs.length) % tabs.length;
      show(next);
      tabs[next].focus();
    });
  });
  const linked = figures.findIndex((figure) => '#' + figure.id === location.hash);
  show(Math.max(0, linked));
}

const panels = [...document.querySelectorAll('[data-tabs] .panel')];
const names = [...new Set(panels.map((panel) => panel.dataset.panel))];
if (names.length > 6) {
  const select = make('select', {}, make('option', { value: '', textContent: 'all' }));
  for (const name of names) select.append(make('option', { value: name, textContent: name }));
  select.addEventListener('change', () => {
    for (const panel of panels) panel.hidden = select.value !== '' && panel.dataset.panel !== select.value;
  });
  const box = panels[0].closest('[data-tabs]');
  box.prepend(make('label', { className: 'pick' }, 'Task', select));
}

const keyOf = (cell) => {
  if (cell.dataset.v !== undefined) return cell.dataset.v === '' ? null : Number(cell.dataset.v);
  const text = cell.textContent.trim();
  return text !== '' && !Number.isNaN(Number(text)) ? Number(text) : text;
};
const compare = (a, b) => typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));

for (const table of document.querySelectorAll('table[data-page]')) {
  const body = table.tBodies[0];
  const all = [...body.rows];
  const pageSize = Number(table.dataset.page);
  const texts = new Map(all.map((row) => [row, row.textContent.toLowerCase()]));
  let order = all;
  let words = [];
  let page = 0;
  const input = make('input', { type: 'search', placeholder: 'Filter: words in any column' });
  input.setAttribute('aria-label', 'Filter ' + table.caption.textContent);
  const back = make('button', { type: 'button', textContent: 'Back' });
  const forward = make('button', { type: 'button', textContent: 'Next' });
  const more = make('button', { type: 'button', textContent: 'Show all' });
  const state = make('span', {});
  state.setAttribute('aria-live', 'polite');
  let size = pageSize;
  const draw = () => {
    const found = order.filter((row) => words.every((word) => texts.get(row).includes(word)));
    const pages = Math.max(1, Math.ceil(found.length / size));
    page = Math.min(page, pages - 1);
    body.replaceChildren(...(size === Infinity ? found : found.slice(page * size, (page + 1) * size)));
    const first = found.length === 0 || size === Infinity ? Math.min(1, found.length) : page * size + 1;
    const rest = found.length < all.length ? ' (' + all.length.toLocaleString('en-US') + ' in all)' : '';
    state.textContent = first + '–' + Math.min(found.length, (page + 1) * size) + ' of ' + found.length.toLocaleString('en-US') + rest;
    back.disabled = page === 0;
    forward.disabled = page === pages - 1;
    more.hidden = found.length <= pageSize;
    more.textContent = size === pageSize ? 'Show all' : 'Show pages';
  };
  input.addEventListener('input', () => { words = input.value.toLowerCase().split(/\\s+/).filter(Boolean); page = 0; draw(); });
  back.addEventListener('click', () => { page--; draw(); });
  forward.addEventListener('click', () => { page++; draw(); });
  more.addEventListener('click', () => { size = size === pageSize ? Infinity : pageSize; page = 0; draw(); });
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = make('button', { type: 'button', className: 'sort', textContent: head.textContent });
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const numeric = head.classList.contains('n');
      const was = head.getAttribute('aria-sort');
      const direction = was === null ? (numeric ? 'descending' : 'ascending') : was === 'ascending' ? 'descending' : 'ascending';
      for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', direction);
      const sign = direction === 'ascending' ? 1 : -1;
      const keys = new Map(all.map((row) => [row, keyOf(row.cells[column])]));
      order = all.toSorted((a, b) => {
        const [x, y] = [keys.get(a), keys.get(b)];
        if (x === null || y === null) return Number(x === null) - Number(y === null);
        return sign * compare(x, y);
      });
      page = 0;
      draw();
    });
  });
  const tools = make('div', { className: 'tools' }, input, state);
  if (all.length > pageSize) tools.append(back, forward, more);
  table.closest('.scroll').before(tools);
  draw();
}
`;
