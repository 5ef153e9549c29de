// The console of Atelier: tries every service of the gateway from one page, without a framework and without a build.
'use strict';

// --- Elements and words ----------------------------------------------------------------------------------------------

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** A new element. Names that are properties are set as such, others become attributes; children may be strings. */
function el(tag, settings = {}, ...children) {
  const node = document.createElement(tag);
  fill(node, settings);
  node.append(...children.filter(Boolean));
  return node;
}

function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function fill(node, settings) {
  for (const [name, value] of Object.entries(settings)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
}

const button = (settings, ...children) => el('button', { type: 'button', ...settings }, ...children);
const fine = (words) => el('span', { className: 'fine' }, words);
const parts = (root, ...selectors) => selectors.map((selector) => $(selector, root));
const icon = (name) => svg('svg', { class: 'icon', 'aria-hidden': 'true' }, svg('use', { href: `#i-${name}` }));
const number = (value, digits = 0) => new Intl.NumberFormat('en', { maximumFractionDigits: digits }).format(value);
const title = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('-', ' ').replaceAll('_', ' ');
const plural = (count, word) => `${number(count)} ${word}${count === 1 ? '' : 's'}`;

/** 75 → "1:15", 3675 → "1:01:15". */
function clock(seconds) {
  const whole = Number.isFinite(seconds) ? Math.floor(seconds) : 0;
  const two = (count) => String(count % 60).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  return `${minutes < 60 ? minutes : `${Math.floor(minutes / 60)}:${two(minutes)}`}:${two(whole)}`;
}

/** 75 → "2 min": how long until something, never said too short. */
function span(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.ceil(seconds))} s`;
  if (seconds < 5400) return `${Math.ceil(seconds / 60)} min`;
  return seconds < 129600 ? `${Math.ceil(seconds / 3600)} h` : `${Math.ceil(seconds / 86400)} days`;
}

const announce = (sentence) => { $('#announcer').textContent = sentence; };

/** Copies, also where the page is not served from a secure address and the clipboard interface is missing. */
async function copy(text, pressed) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = el('textarea', { value: text, className: 'unseen' });
    pressed.after(field);
    field.select();
    document.execCommand('copy');
    field.remove();
    pressed.focus();
  }
  announce('Copied');
  pressed.classList.add('copied');
  setTimeout(() => pressed.classList.remove('copied'), 1500);
}

/** Arrow keys, Home and End move the focus among many buttons that are one tab stop together. */
function rove(list, selector, moved = () => {}) {
  list.addEventListener('keydown', (event) => {
    const stops = $$(selector, list);
    const at = stops.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const target = stops.at(to % stops.length);
    target.focus();
    moved(target);
  });
  list.addEventListener('focusin', (event) => {
    const stop = event.target.closest(selector);
    if (stop) for (const other of $$(selector, list)) other.tabIndex = other === stop ? 0 : -1;
  });
}

// --- Session: whose token, kept in this tab --------------------------------------------------------------------------

const session = {
  get token() { return sessionStorage.getItem('atelier.token'); },
  set token(value) { sessionStorage.setItem('atelier.token', value); },
  forget() { sessionStorage.removeItem('atelier.token'); },
};

/** `#token=…` from the address into the session, and out of the address bar and the history. */
function takeTokenFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (!token) return false;
  session.token = token.trim();
  history.replaceState(null, '', location.pathname);
  return true;
}

/** For display only: the gateway alone decides what a token is worth. */
function tenantName(token) {
  try {
    const payload = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)).tenantId || 'Token';
  } catch {
    return 'API key';
  }
}

let visitor = null; // the tenant whose pictures and recordings are on the page

function openDoor(sentence) {
  session.forget();
  enter(false);
  say($('#door .alert-place'), sentence ? new Problem(sentence) : null);
  $('#token').focus();
}

function enter(inside) {
  $('#door').hidden = inside;
  for (const id of ['tabs', 'areas', 'sign-out']) $(`#${id}`).hidden = !inside;
  $('#tenant').textContent = inside ? tenantName(session.token) : '';
  if (!inside) document.title = 'Sign in · Atelier';
}

async function signIn(event) {
  event.preventDefault();
  if (!complete(event.target)) return;
  const token = $('#token').value.trim();
  if (/[^\x21-\x7e]/.test(token)) return refuse($('#token'), 'A token is one word: copy the whole printed line.');
  session.token = token;
  say($('#door .alert-place'), null);
  try {
    await refreshLimits();
    $('#token').value = '';
    await arrive();
  } catch (problem) {
    if (session.token) openDoor(problem.message);
  }
}

function signOut() {
  session.forget();
  history.replaceState(null, '', location.pathname);
  location.reload(); // also drops every picture and recording of this visit
}

// --- Talking to the gateway ------------------------------------------------------------------------------------------

/** A failure in the gateway's own words. */
class Problem extends Error {
  constructor(message, { status = 0, field = null, retryAfter = null, requestId = null } = {}) {
    super(message);
    Object.assign(this, { status, field, retryAfter, requestId });
  }
}

/** What fetch throws: a cancelled request as it is, anything else in our words. */
const lost = (sentence) => (error) => { throw error.name === 'AbortError' ? error : new Problem(sentence); };

const NO_ANSWER = 'The gateway does not answer. See that it runs, then try again.';
const BROKEN_OFF = 'The answer broke off before it was finished. Try again.';

/** Reads both error shapes: `{"error": "…"}` of /api and `{"error": {"message": "…"}}` of /v1. */
function problemOf(body, response) {
  const inner = typeof body?.error === 'object' ? body.error : { ...body, message: body?.error };
  const headers = response?.headers;
  return new Problem(inner?.message || `The gateway answered ${response.status} without saying why.`, {
    status: response?.status,
    field: inner?.field ?? inner?.param,
    retryAfter: Number(body?.retry_after ?? headers?.get('Retry-After')) || null,
    requestId: body?.request_id ?? headers?.get('X-Request-Id'),
  });
}

async function call(path, { json, form, signal } = {}) {
  const token = session.token;
  const headers = { Authorization: `Bearer ${token}` };
  if (json) headers['Content-Type'] = 'application/json';
  const body = json ? JSON.stringify(json) : form;
  const method = body ? 'POST' : 'GET';
  const response = await fetch(path, { method, headers, body, signal, cache: 'no-store' }).catch(lost(NO_ANSWER));
  if (response.ok) return response;
  const problem = problemOf(await response.json().catch(() => null), response);
  if (problem.status === 401 && token === session.token) openDoor(problem.message);
  throw problem;
}

const callJson = async (path, options) => (await call(path, options)).json();

/** The data of each server-sent event, as it arrives. An `error` event is thrown. */
async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = '';
  try {
    for (;;) {
      const { value, done } = await reader.read().catch(lost(BROKEN_OFF));
      if (done) return;
      const blocks = (pending + value).split(/\r?\n\r?\n/);
      pending = blocks.pop();
      for (const block of blocks) {
        const data = eventData(block);
        if (data?.error) throw problemOf(data);
        if (data) yield data;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function eventData(block) {
  const lines = block.split(/\r?\n/).filter((line) => line.startsWith('data:'));
  const text = lines.map((line) => line.slice(5).trimStart()).join('\n');
  return text && text !== '[DONE]' ? JSON.parse(text) : null;
}

/** Artifact links may carry the gateway's public name; from here the same path is always at hand. */
function fetchArtifact(url, signal) {
  const { pathname, search } = new URL(url, location.href);
  return call(pathname + search, { signal }).then((response) => response.blob());
}

const quoted = (text) => (/^[\w:/.-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** The same request for a terminal, with the token as $TOKEN. */
function curlLine(path, { json, form } = {}) {
  const streams = json?.stream || form?.get('stream');
  const line = [`curl ${streams ? '-N ' : ''}${quoted(location.origin + path)}`, '-H "Authorization: Bearer $TOKEN"'];
  if (json) line.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(json))}`);
  for (const [name, value] of form ?? []) {
    const file = value instanceof File && `${name}=@"${value.name.replace(/["\\]/g, '\\$&')}"`;
    line.push(file ? `-F ${quoted(file)}` : `--form-string ${quoted(`${name}=${value}`)}`);
  }
  return line.join(' \\\n  ');
}

function showCurl(place, line) {
  let box = $('.curl', place);
  if (!box) {
    const take = button({ className: 'quiet', ariaLabel: 'Copy the curl command' }, 'Copy');
    box = el('details', { className: 'curl' }, el('summary', {}, 'The same with curl'), el('pre', { tabIndex: 0 }), take);
    take.addEventListener('click', () => copy($('pre', box).textContent, take));
    place.append(box);
  }
  $('pre', box).textContent = line;
}

// --- Forms: fields, failures, progress, and the task that a form starts ----------------------------------------------

/** What is wrong with a field, as a sentence. */
function complaint(field) {
  const { valueMissing, badInput, stepMismatch, rangeOverflow, rangeUnderflow } = field.validity;
  if (valueMissing) return field.type === 'file' ? 'Choose a file first.' : 'Fill this in first.';
  if (rangeOverflow || rangeUnderflow) return `From ${number(field.min)} to ${number(field.max)}.`;
  if (stepMismatch) return `In steps of ${field.step}.`;
  return badInput ? 'A number is needed here.' : field.validationMessage;
}

function refuse(field, sentence) {
  const id = `${field.id}-error`;
  $(`#${id}`)?.remove();
  field.closest('.field').append(el('p', { id, className: 'field-error', textContent: sentence }));
  field.setAttribute('aria-invalid', 'true');
  field.setAttribute('aria-describedby', id);
  field.focus();
}

function accept(field) {
  if (!field.hasAttribute?.('aria-invalid')) return;
  $(`#${field.id}-error`)?.remove();
  field.removeAttribute('aria-invalid');
  field.removeAttribute('aria-describedby');
}

function complete(form) {
  for (const field of form.elements) accept(field);
  const wrong = [...form.elements].find((field) => !field.validity.valid);
  if (wrong) refuse(wrong, complaint(wrong));
  return !wrong;
}

/** A failure where it belongs: at its field if the form has that field, else below the buttons. Null clears. */
function say(place, problem, form = null) {
  clearInterval(place.timer);
  place.replaceChildren();
  if (!problem) return;
  const field = problem.field && form?.elements[problem.field];
  if (field instanceof HTMLElement) return refuse(field, problem.message.replace(`${problem.field}: `, ''));
  const box = el('div', { className: 'alert' }, el('p', {}, problem.message));
  if (problem.retryAfter) box.append(countdown(place, problem.retryAfter, form));
  if (problem.requestId) box.append(el('p', { className: 'fine' }, 'Request ', el('code', {}, problem.requestId)));
  place.append(box);
}

/** Counts the seconds until another try makes sense, and holds the form's button until then. */
function countdown(place, seconds, form) {
  const until = Date.now() + seconds * 1000;
  const line = el('p', { className: 'countdown', ariaLive: 'off' });
  form?.classList.add('held');
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    line.textContent = left > 0 ? `Again in ${span(left)}` : 'You can try again now.';
    if (left > 0) return;
    clearInterval(place.timer);
    form?.classList.remove('held');
    form?.dispatchEvent(new Event('released'));
  };
  place.timer = setInterval(tick, 500);
  tick();
  return line;
}

/** The ruler under a result: one mark per step, or a sweep where the steps are not known, and one line of words. */
function createProgress(root) {
  const bar = el('span');
  const ruler = el('div', { className: 'ruler', role: 'progressbar', ariaLabel: 'Progress' }, bar);
  const line = el('p', { className: 'state' });
  let started = 0;
  let timer = 0;
  root.append(ruler, line);
  root.dataset.state = 'idle';
  const seconds = () => (performance.now() - started) / 1000;
  return {
    seconds,
    wait(words = 'Waiting for the model') {
      clearInterval(timer);
      started = performance.now();
      root.dataset.state = 'waiting';
      root.classList.remove('stepped');
      ruler.removeAttribute('aria-valuenow');
      const tick = () => { line.textContent = `${words} · ${Math.floor(seconds())} s`; };
      timer = setInterval(tick, 1000);
      tick();
    },
    step(step, steps, prefix = '') {
      clearInterval(timer);
      root.dataset.state = 'stepping';
      root.classList.add('stepped');
      ruler.style.setProperty('--steps', steps);
      bar.style.transform = `scaleX(${step / steps})`;
      fill(ruler, { ariaValueMin: 0, ariaValueMax: steps, ariaValueNow: step });
      const words = `${prefix}Step ${step} of ${steps}`;
      const left = (seconds() / step) * (steps - step);
      line.textContent = left >= 1 ? `${words} · about ${span(left)} left` : words;
      const quarter = (count) => Math.floor((4 * count) / steps);
      if (quarter(step) > quarter(step - 1)) announce(words);
    },
    end(words, state) {
      clearInterval(timer);
      if (!root.classList.contains('stepped')) fill(ruler, { ariaValueMin: 0, ariaValueMax: 1, ariaValueNow: 1 });
      root.dataset.state = state;
      if (state === 'done') bar.style.transform = '';
      line.textContent = words;
    },
  };
}

/**
 * One form and what becomes of it. `run({form, signal, progress, send})` does the work and resolves to
 * `{summary, model, warnings}`; `send` is `call` that also remembers the curl line.
 */
function createTask(name, service, run, stopped = () => {}) {
  const form = $(`#${name}-form`);
  const panel = form.closest('.workbench');
  const [start, cancel, place, actions] = parts(panel, '.primary', '.cancel', '.alert-place', '.result-actions');
  const progress = createProgress($('.progress', panel));
  let controller = null;
  const curl = panel.appendChild(el('div', { className: 'curl-place' }));

  const busy = (on) => {
    start.ariaDisabled = String(on || form.classList.contains('held'));
    if (on) cancel.hidden = false;
    if (on && document.activeElement === start) cancel.focus();
    if (!on && document.activeElement === cancel) start.focus();
    cancel.hidden = !on;
  };
  const send = (path, options = {}) => {
    showCurl(curl, curlLine(path, options));
    return call(path, { ...options, signal: controller.signal });
  };
  const perform = async () => {
    controller = new AbortController();
    say(place, null);
    remark(panel, []);
    actions.hidden = true;
    progress.wait();
    busy(true);
    reveal($('.progress', panel));
    try {
      const { summary, model, warnings = [] } = await run({ form, signal: controller.signal, progress, send });
      progress.end(summary, 'done');
      actions.hidden = false;
      remark(panel, [...warnings, ...notesOf(service, model)]);
      announce(`Finished. ${summary}`);
    } catch (problem) {
      const cancelled = controller.signal.aborted;
      stopped();
      progress.end(cancelled ? `Cancelled after ${progress.seconds().toFixed(1)} s` : '', cancelled ? 'stopped' : 'idle');
      if (cancelled) announce('Cancelled');
      else say(place, problem instanceof Problem ? problem : new Problem(BROKEN_OFF), form);
    } finally {
      controller = null;
      busy(false);
      if (session.token) refreshLimits().catch(() => {});
    }
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (controller || form.classList.contains('held') || !complete(form)) return;
    perform();
  });
  form.addEventListener('released', () => busy(controller !== null));
  form.addEventListener('input', (event) => accept(event.target));
  form.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  cancel.addEventListener('click', () => controller?.abort());
}

function remark(panel, sentences) {
  $('.remarks', panel).replaceChildren(...[...new Set(sentences)].map((sentence) => el('li', {}, sentence)));
}

/** On a narrow screen the result lies below the form: bring it into view when the work begins. */
function reveal(node) {
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  node.scrollIntoView({ block: 'nearest', behavior: calm ? 'auto' : 'smooth' });
}

/** Range fields say their value beside their label. */
function showRangeValues() {
  for (const output of $$('label output')) {
    const field = $(`#${output.htmlFor}`);
    const show = () => { output.value = Number(field.value).toFixed(2) + (output.dataset.suffix ?? ''); };
    field.addEventListener('input', show);
    show();
  }
}

/** A file field that also takes what is dropped on it or pasted; `chosen(file | null)` hears of every change. */
function createDrop(input, chosen = () => {}) {
  const root = input.closest('.drop');
  const { kind } = root.dataset;
  const thing = kind === 'image' ? 'a picture' : 'a recording';
  const target = el('label', { className: 'drop-target', htmlFor: input.id }, icon('add'),
    el('span', {}, el('b', {}, `Choose ${thing}`), ', drop it here or paste it'));
  const thumb = el('img', { alt: '', hidden: true });
  const name = el('span', { className: 'file-name' });
  const remove = button({ className: 'quiet' }, 'Remove');
  const card = el('div', { className: 'file', hidden: true }, thumb, name, remove);
  root.append(target, card);

  const show = () => {
    const file = input.files[0] ?? null;
    target.hidden = file !== null;
    card.hidden = file === null;
    URL.revokeObjectURL(thumb.src);
    thumb.hidden = !file || kind !== 'image';
    if (file && kind === 'image') thumb.src = URL.createObjectURL(file);
    name.replaceChildren(file?.name ?? '', fine(file ? fileSize(file.size) : ''));
    accept(input);
    chosen(file);
  };
  const set = (file) => {
    const fits = file.type.startsWith(`${kind}/`) || (kind === 'audio' && file.type.startsWith('video/'));
    if (!fits) return refuse(input, `${file.name} is not ${thing}.`);
    const hold = new DataTransfer();
    hold.items.add(file);
    input.files = hold.files;
    show();
  };
  input.addEventListener('change', show);
  remove.addEventListener('click', () => { input.value = ''; show(); input.focus(); });
  root.addEventListener('dragover', () => root.classList.add('over'));
  root.addEventListener('dragleave', () => root.classList.remove('over'));
  root.addEventListener('drop', (event) => {
    root.classList.remove('over');
    if (event.dataTransfer.files[0]) set(event.dataTransfer.files[0]);
  });
  thumb.addEventListener('error', () => { thumb.hidden = true; });
  root.drop = { set };
  return root.drop;
}

const fileSize = (bytes) => (bytes < 1e6 ? `${number(Math.ceil(bytes / 1e3))} kB` : `${number(bytes / 1e6, 1)} MB`);

/** A file that misses its field must not replace the page; a pasted one goes to the field in sight. */
function catchFiles() {
  for (const type of ['dragover', 'drop']) addEventListener(type, (event) => event.preventDefault());
  addEventListener('paste', (event) => {
    const file = event.clipboardData.files[0];
    const root = $$('.drop').find((candidate) => candidate.checkVisibility());
    if (!file || !root) return;
    event.preventDefault();
    root.drop.set(file);
  });
}

// --- The stage: where a picture appears ------------------------------------------------------------------------------

/** Shows one picture as large as the stage allows. Small ones grow by whole device pixels, so that they stay crisp. */
function createStage(root) {
  const frame = $('.frame', root);
  let size = null;
  const fit = () => {
    if (!size || !root.clientWidth) return;
    const mat = 2 * parseFloat(getComputedStyle(root).paddingLeft);
    let scale = Math.min((root.clientWidth - mat) / size[0], (root.clientHeight - mat) / size[1]);
    frame.classList.toggle('crisp', scale >= 2);
    if (scale >= 2) scale = Math.floor(scale * devicePixelRatio) / devicePixelRatio;
    frame.style.width = `${Math.round(size[0] * scale)}px`;
    frame.style.height = `${Math.round(size[1] * scale)}px`;
  };
  new ResizeObserver(fit).observe(root);
  return {
    set state(state) { root.dataset.state = state; },
    resize(width, height) { size = [width, height]; fit(); },
  };
}

/** One `<img>` with a source, decoded. Resolves to false where the browser cannot show it. */
async function showImage(image, source) {
  image.src = source;
  image.hidden = false;
  return image.decode().then(() => true, () => false);
}

const IMAGE_TYPES = { i: 'png', '/': 'jpeg', U: 'webp', R: 'gif' }; // by the first letter of the file in base64

const imageType = (base64) => IMAGE_TYPES[base64[0]] ?? 'png';

function pictureFile(base64, name) {
  const type = imageType(base64);
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new File([bytes], `${name}.${type}`, { type: `image/${type}` });
}

const sidesOf = (size) => /^(\d+)x(\d+)$/.exec(size ?? '')?.slice(1).map(Number);

// --- Pictures: from words, and from a picture ------------------------------------------------------------------------

const MOST_KEPT = 24; // pictures in the strip below the stage
const MOST_SEED = 2 ** 32;

function wordsRequest(form, seed) {
  const { prompt, negative_prompt: leaveOut, size, num_inference_steps: steps, guidance_scale: guidance } = form.elements;
  const json = {
    prompt: prompt.value.trim(),
    negative_prompt: leaveOut.value.trim() || undefined,
    num_inference_steps: steps.valueAsNumber,
    guidance_scale: guidance.valueAsNumber,
    size: size.value,
    seed,
    n: 1,
    stream: true,
    partial_images: steps.valueAsNumber,
  };
  return { path: '/v1/images/generations', json };
}

function pictureRequest(fields, seed) {
  const form = new FormData(fields);
  form.delete('seed');
  if (seed !== undefined) form.set('seed', seed);
  form.set('stream', 'true');
  form.set('partial_images', form.get('num_inference_steps'));
  return { path: '/v1/images/edits', form };
}

function createPictureArea(name, service, request) {
  const panel = $(`#${name}-form`).closest('.workbench');
  const [preview, picture, before, compare] = parts(panel, '.preview', '.picture', '.before', '.compare');
  const stage = createStage($('.stage', panel));
  const strip = $('.strip', panel);
  const kept = new Map(); // button of the strip → what was made
  let shown = null;

  const clear = (state) => {
    for (const part of [picture, before, compare]) if (part) part.hidden = true;
    if (state === 'waiting') preview.hidden = true;
    stage.state = state;
  };
  const show = async (made) => {
    shown = made;
    picture.alt = `Picture for “${made.prompt}”, seed ${made.seed}`;
    await showImage(picture, made.url);
    preview.hidden = true;
    stage.resize(picture.naturalWidth, picture.naturalHeight);
    if (made.before) compare.hidden = !(await showImage(before, made.before));
    stage.state = 'done';
    fill($('.result-actions a', panel), { href: made.url, download: made.file.name });
    for (const thumb of $$('button', strip)) thumb.ariaCurrent = String(kept.get(thumb) === made);
    $('.result-actions', panel).hidden = false;
  };
  const keep = (made) => {
    const thumb = button({ ariaLabel: `Show picture, seed ${made.seed}` }, el('img', { src: made.url, alt: '' }));
    kept.set(thumb, made);
    thumb.addEventListener('click', () => show(made));
    strip.prepend(el('li', {}, thumb));
    for (const old of $$('button', strip).slice(MOST_KEPT)) {
      URL.revokeObjectURL(kept.get(old).url);
      kept.delete(old);
      old.parentElement.remove();
    }
  };
  const paint = async ({ form, progress, send }, seed, prefix) => {
    const { path, ...body } = request(form, seed);
    const started = performance.now();
    const source = body.form?.get('image');
    for await (const event of eventsOf(await send(path, body))) {
      if (event.type.endsWith('.completed')) {
        const { b64_json: data, ...facts } = event;
        const file = pictureFile(data, `atelier-${facts.seed}`);
        const [url, start] = [file, source].map((one) => one && URL.createObjectURL(one));
        const made = { ...facts, file, url, before: start, prompt: form.elements.prompt.value.trim() };
        keep(made);
        await show(made);
        return { ...made, seconds: (performance.now() - started) / 1000 };
      }
      progress.step(event.step, event.steps, prefix);
      clear('drawing');
      const decoded = await showImage(preview, `data:image/${imageType(event.b64_json)};base64,${event.b64_json}`);
      if (decoded) stage.resize(...(sidesOf(event.size) ?? [preview.naturalWidth, preview.naturalHeight]));
    }
    throw new Problem(BROKEN_OFF);
  };
  const run = async (work) => {
    const { n, seed } = work.form.elements;
    const count = n?.valueAsNumber || 1;
    let next = seed.value === '' ? undefined : seed.valueAsNumber;
    let made;
    for (let i = 0; i < count; i += 1) {
      if (i > 0) work.progress.wait();
      clear('waiting');
      made = await paint(work, next, count > 1 ? `Picture ${i + 1} of ${count} · ` : '');
      next = Number.isInteger(made.seed) ? (made.seed + 1) % MOST_SEED : undefined;
    }
    const sides = `${picture.naturalWidth} × ${picture.naturalHeight}`;
    return { ...made, summary: `Seed ${made.seed} · ${sides} · ${made.seconds.toFixed(1)} s` };
  };

  $('.use-as-start', panel).addEventListener('click', () => useAsStart(shown));
  $('.keep-seed', panel).addEventListener('click', () => {
    $('[name=seed]', panel).value = shown.seed;
    announce(`Seed ${shown.seed} is kept for the next picture`);
  });
  createTask(name, service, run, () => {
    if (!preview.hidden) stage.state = 'stopped';
    else if (shown) show(shown);
    else stage.state = 'empty';
  });
}

function useAsStart({ file, prompt }) {
  $('#edit-image').closest('.drop').drop.set(file);
  $('#edit-prompt').value ||= prompt;
  location.hash = 'edits';
  $('#edit-prompt').focus();
}

function createCompare() {
  const range = $('#compare');
  const frame = range.closest('.frame');
  const divide = () => {
    frame.style.setProperty('--divide', `${range.value}%`);
    range.ariaValueText = `${range.value} % before`;
  };
  range.addEventListener('input', divide);
  divide();
}

// --- The player: a recording with its waveform -----------------------------------------------------------------------

const MOST_DECODED = 30e6; // bytes: a longer recording plays, but without its waveform

/** Play, seek and see a recording. `moved(seconds)` hears where it is. */
function createPlayer(root, moved = () => {}) {
  const audio = el('audio', { preload: 'metadata' });
  const play = button({ className: 'play', ariaLabel: 'Play' }, icon('play'));
  const canvas = el('canvas', { ariaHidden: 'true' });
  const seek = el('input', { type: 'range', min: 0, step: 'any', value: 0, ariaLabel: 'Position in the recording' });
  const time = el('span', { className: 'time' });
  let peaks = [];
  let known = 0;
  root.append(audio, play, el('div', { className: 'wave' }, canvas, seek), time);

  const duration = () => known || (Number.isFinite(audio.duration) ? audio.duration : 0);
  const show = () => {
    const at = audio.currentTime;
    fill(seek, { max: duration() || 1, value: at, ariaValueText: `${clock(at)} of ${clock(duration())}` });
    time.textContent = `${clock(at)} / ${clock(duration())}`;
    drawWave(canvas, peaks, duration() ? at / duration() : 0);
    moved(at);
    if (!audio.paused) requestAnimationFrame(show);
  };
  const playing = () => {
    play.ariaLabel = audio.paused ? 'Play' : 'Pause';
    play.replaceChildren(icon(audio.paused ? 'play' : 'pause'));
    show();
  };
  for (const type of ['play', 'pause', 'ended']) audio.addEventListener(type, playing);
  for (const type of ['loadedmetadata', 'seeked']) audio.addEventListener(type, show);
  play.addEventListener('click', () => (audio.paused ? audio.play().catch(() => {}) : audio.pause()));
  seek.addEventListener('input', () => { audio.currentTime = seek.valueAsNumber; });
  new ResizeObserver(show).observe(canvas);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', show);
  document.addEventListener('themechange', show);

  return {
    seek(seconds) { audio.currentTime = seconds; audio.play().catch(() => {}); },
    stop() { audio.pause(); root.hidden = true; },
    /** Resolves to false where the browser cannot play it. */
    async load(blob) {
      URL.revokeObjectURL(audio.src);
      [peaks, known] = [[], 0];
      audio.src = URL.createObjectURL(blob);
      root.hidden = false;
      const playable = new Promise((resolve) => {
        audio.addEventListener('loadedmetadata', () => resolve(true), { once: true });
        audio.addEventListener('error', () => resolve(false), { once: true });
      });
      const sound = await decodeSound(blob);
      if (sound) [peaks, known] = [peaksOf(sound.getChannelData(0)), sound.duration];
      show();
      return playable;
    },
  };
}

/** At 8 kHz, which is plenty to draw and a sixth of the memory. Null where it cannot be decoded. */
async function decodeSound(blob) {
  if (blob.size > MOST_DECODED) return null;
  return new OfflineAudioContext(1, 1, 8000).decodeAudioData(await blob.arrayBuffer()).catch(() => null);
}

/** The loudest sample of each of 400 slices, from 0 to 1. */
function peaksOf(samples, slices = 400) {
  const size = Math.ceil(samples.length / slices);
  const loudness = (most, sample) => Math.max(most, Math.abs(sample));
  const peaks = Array.from({ length: slices }, (_, i) => samples.subarray(i * size, (i + 1) * size).reduce(loudness, 0));
  const loudest = Math.max(...peaks, 0.01);
  return peaks.map((peak) => peak / loudest);
}

function drawWave(canvas, peaks, played) {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = width * devicePixelRatio;
  canvas.height = height * devicePixelRatio;
  const pen = canvas.getContext('2d');
  pen.scale(devicePixelRatio, devicePixelRatio);
  pen.fillStyle = getComputedStyle(canvas).color;
  const bars = Math.floor(width / 4);
  for (let i = 0; i < bars; i += 1) {
    const from = Math.floor((i / bars) * peaks.length);
    const to = Math.max(from + 1, Math.floor(((i + 1) / bars) * peaks.length));
    const tall = Math.max(2, Math.max(0, ...peaks.slice(from, to)) * (height - 4));
    pen.globalAlpha = i / bars < played ? 1 : 0.35;
    pen.fillRect(i * 4, (height - tall) / 2, 2.5, tall);
  }
}

// --- Speak -----------------------------------------------------------------------------------------------------------

function createSpeakArea() {
  const player = createPlayer($('#speech-player'));
  const board = $('#speak-board');
  const count = () => { $('#text-count').textContent = number($('#text').value.length); };
  $('#text').addEventListener('input', count);
  count();

  createTask('speak', 'text-to-speech', async ({ form, signal, send }) => {
    player.stop();
    board.dataset.state = 'waiting';
    const { text, voice, language, speed, response_format: format } = form.elements;
    const json = {
      text: text.value.trim(),
      language: language.value.trim() || undefined,
      voice: voice.value.trim() || undefined,
      speed: speed.valueAsNumber,
      response_format: format.value,
    };
    const answer = await (await send('/api/text-to-speech', { json })).json();
    const blob = await fetchArtifact(answer.audio_url, signal);
    fill($('#speech-download'), { href: URL.createObjectURL(blob), download: `atelier-speech.${format.value}` });
    board.dataset.state = 'done';
    const warnings = [...(answer.warnings ?? [])];
    if (!(await player.load(blob))) {
      player.stop();
      board.dataset.state = 'unplayable';
      warnings.push(`This browser does not play ${format.value}. The download has the whole recording.`);
    }
    const length = `${answer.duration.toFixed(1)} s of speech`;
    const facts = [length, plural(json.text.length, 'character'), fileSize(blob.size)];
    return { ...answer, warnings, summary: facts.join(' · ') };
  }, () => { board.dataset.state = 'empty'; });
}

// --- Transcribe ------------------------------------------------------------------------------------------------------

function createTranscribeArea() {
  const board = $('#transcribe-board');
  const list = $('#transcript');
  let text = '';
  let words = [];
  const follow = (seconds) => {
    const spoken = words.findLast((word) => word.dataset.start <= seconds);
    const last = $('[aria-current]', list);
    if (last === spoken) return;
    last?.removeAttribute('aria-current');
    spoken?.setAttribute('aria-current', 'true');
  };
  const player = createPlayer($('#audio-player'), follow);
  const forget = () => { list.replaceChildren(); words = []; $('.result-actions', board.parentElement).hidden = true; };
  const drop = createDrop($('#audio-file'), async (file) => {
    forget();
    board.dataset.state = file ? 'done' : 'empty';
    if (!file) player.stop();
    else if (!(await player.load(file))) { player.stop(); board.dataset.state = 'unplayable'; }
  });
  createRecorder($('#record'), drop);
  list.addEventListener('click', (event) => {
    const stop = event.target.closest('button');
    if (stop) player.seek(Number(stop.dataset.start));
  });
  rove(list, 'button');
  $('#copy-transcript').addEventListener('click', (event) => copy(text, event.currentTarget));

  createTask('transcribe', 'speech-to-text', async ({ form, send }) => {
    forget();
    const body = new FormData(form);
    if (!body.get('language').trim()) body.delete('language');
    body.set('timestamps', 'word');
    const answer = await (await send('/api/speech-to-text', { form: body })).json();
    text = answer.text;
    list.replaceChildren(...answer.segments.map(segmentItem));
    words = $$('.word', list);
    $('button', list)?.setAttribute('tabindex', '0');
    const count = text.split(/\s+/).filter(Boolean).length;
    const warnings = [...(answer.warnings ?? [])];
    if (!count) warnings.push('No speech was found in this recording.');
    const summary = `${languageName(answer.language)} · ${clock(answer.duration)} long · ${plural(count, 'word')}`;
    return { ...answer, warnings, summary };
  });
}

/** One line of the transcript: its time, then its words, each of which plays from where it was said. */
function segmentItem({ start, text, words }) {
  const stop = (className, at, label) => button({ className, tabIndex: -1, 'data-start': at }, label);
  const time = stop('time', start, clock(start));
  time.ariaLabel = `Play from ${clock(start)}`;
  const spoken = words?.length ? words : [{ word: text, start }];
  return el('li', {}, time, el('p', {}, ...spoken.flatMap((word) => [stop('word', word.start, word.word.trim()), ' '])));
}

function languageName(code) {
  try {
    return new Intl.DisplayNames('en', { type: 'language' }).of(code);
  } catch {
    return code;
  }
}

/** Makes a recording with the microphone, where the browser and the address allow it. */
function createRecorder(switcher, drop) {
  if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) return;
  $('#recorder').hidden = false;
  let recorder = null;
  const label = (words, on) => fill(switcher, { textContent: words, ariaPressed: String(on) });
  const begin = async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const [pieces, started] = [[], Date.now()];
    const timer = setInterval(() => label(`Stop · ${clock((Date.now() - started) / 1000)}`, true), 500);
    recorder = new MediaRecorder(stream);
    recorder.addEventListener('dataavailable', (event) => pieces.push(event.data));
    recorder.addEventListener('stop', () => {
      clearInterval(timer);
      for (const track of stream.getTracks()) track.stop();
      const type = recorder.mimeType.split(';')[0] || 'audio/webm';
      recorder = null;
      label('Record with the microphone', false);
      drop.set(new File(pieces, `recording.${type.split('/')[1]}`, { type }));
    });
    recorder.start();
    label('Stop · 0:00', true);
  };
  const noAccess = 'The browser gives no access to a microphone. Allow it, or choose a file.';
  switcher.addEventListener('click', () => {
    if (recorder) recorder.stop();
    else begin().catch(() => refuse($('#audio-file'), noAccess));
  });
}

// --- Read ------------------------------------------------------------------------------------------------------------

function createReadArea() {
  const [picture, overlay, list, caption] = ['#read-picture', '#read-overlay', '#lines', '#caption'].map((id) => $(id));
  const root = $('#read-stage');
  const stage = createStage(root);
  let text = '';
  const forget = () => {
    overlay.replaceChildren();
    list.replaceChildren();
    caption.hidden = true;
    $('.result-actions', root.parentElement).hidden = true;
  };
  createDrop($('#read-image'), async (file) => {
    forget();
    URL.revokeObjectURL(picture.src);
    picture.hidden = true;
    stage.state = 'empty';
    if (!file || !(await showImage(picture, URL.createObjectURL(file)))) { picture.hidden = true; return; }
    const { naturalWidth: width, naturalHeight: height } = picture;
    root.style.aspectRatio = Math.min(1.6, Math.max(0.75, width / height));
    overlay.setAttribute('viewBox', `0 0 ${width} ${height}`);
    stage.resize(width, height);
    stage.state = 'done';
  });
  const point = (at) => {
    for (const marked of $$('.marked', root.parentElement)) marked.classList.remove('marked');
    if (at < 0) return;
    overlay.children[at]?.classList.add('marked');
    list.children[at]?.classList.add('marked');
  };
  for (const side of [list, overlay]) {
    const at = ({ target }) => point([...side.children].findIndex((one) => one.contains(target)));
    for (const type of ['pointerover', 'focusin']) side.addEventListener(type, at);
    for (const type of ['pointerleave', 'focusout']) side.addEventListener(type, () => point(-1));
  }
  list.addEventListener('click', (event) => {
    const line = event.target.closest('button');
    if (line) copy(line.firstChild.textContent, line);
  });
  rove(list, 'button');
  $('#copy-text').addEventListener('click', (event) => copy(text, event.currentTarget));

  createTask('read', 'image-to-text', async ({ form, send }) => {
    forget();
    const body = new FormData(form);
    if (!body.get('question').trim() || body.get('task') === 'ocr') body.delete('question');
    const answer = await (await send('/api/image-to-text', { form: body })).json();
    const lines = answer.ocr_lines ?? [];
    text = answer.ocr_text ?? answer.caption ?? '';
    caption.hidden = !answer.caption;
    caption.textContent = answer.caption ?? '';
    overlay.append(...lines.map((line) => svg('polygon', { points: line.box.map((corner) => corner.join()).join(' ') })));
    list.replaceChildren(...lines.map(lineItem));
    $('button', list)?.setAttribute('tabindex', '0');
    return { ...answer, summary: readingSummary(answer) };
  });
}

function lineItem({ text, confidence }) {
  const sure = `${Math.round(confidence * 100)} %`;
  const words = el('span', { className: 'line-text' }, text);
  const mark = el('span', { className: 'sure', title: 'How sure the reader is' }, sure);
  return el('li', {}, button({ tabIndex: -1, className: confidence < 0.8 ? 'unsure' : '' }, words, mark));
}

function readingSummary({ caption, ocr_lines: lines, rotation }) {
  const parts = [];
  if (caption) parts.push('Caption');
  if (lines) parts.push(lines.length ? plural(lines.length, 'line') : 'No text found');
  if (rotation) parts.push(`turned by ${rotation}° to be read`);
  return parts.join(' · ') || 'Nothing found';
}

// --- What the gateway offers: models, limits, usage, health ----------------------------------------------------------

const known = { models: [], limits: [], health: null, online: true, usage: null };
const POLL_MS = 5000;

/** A 401 opens the door by itself; anything else can wait for the next time. */
const refreshOffer = () => Promise.all([refreshLimits(), refreshModels()]).catch(() => {});

async function refreshModels() {
  known.models = (await callJson('/v1/models')).data ?? [];
  const offer = (list, service, key) => {
    const values = known.models.filter((model) => model.service === service).flatMap((model) => model[key] ?? []);
    $(list).replaceChildren(...[...new Set(values)].map((value) => el('option', { value })));
  };
  offer('#voices', 'text-to-speech', 'voices');
  offer('#spoken-languages', 'text-to-speech', 'languages');
  offer('#heard-languages', 'speech-to-text', 'languages');
  showServed();
}

/** The notes of the models that made a result, as sentences with the model's name. */
function notesOf(service, model) {
  if (!model) return [];
  const made = known.models.filter((one) => one.service === service && (model === one.id || model.includes(one.id)));
  return made.length ? made.map(({ id, note }) => `Model ${id}${note ? ` · ${note}` : ''}`) : [`Model ${model}`];
}

/** In the empty stages: who would do the work, and what there is to know of it. */
function showServed() {
  for (const place of $$('.served')) {
    const model = known.health?.services?.[place.dataset.service]?.model;
    const note = known.models.find((one) => one.id === model && one.service === place.dataset.service)?.note;
    place.replaceChildren(...(model ? [el('code', {}, model), note ?? ''] : []));
  }
}

async function refreshLimits() {
  const { limits = [] } = await callJson('/api/limits');
  known.limits = limits.map((limit) => ({ ...limit, until: Date.now() + (limit.resets_in ?? 0) * 1000 }));
  showQuotas();
}

const forAll = ({ service }) => !service || service === '*';
const limitsOf = (service) => known.limits.filter((limit) => forAll(limit) || limit.service === service);

function leftWords({ allowed, left, per, measure, unit }) {
  const amount = measure === 'cost' ? money : number;
  const what = measure === 'units' ? ` ${unit.replace('_', ' ')}` : '';
  const when = per ? (per === 'day' ? 'today' : `this ${per}`) : 'at the same time';
  return `${amount(left)} of ${amount(allowed)}${what} left ${when}`;
}

function resetWords({ until }) {
  return until > Date.now() ? `resets in ${span((until - Date.now()) / 1000)}` : '';
}

/** Beside each button: what is left of the tightest limit. */
function showQuotas() {
  for (const place of $$('.quota')) {
    const [limit] = limitsOf(place.dataset.service).sort((a, b) => a.left / a.allowed - b.left / b.allowed);
    const spent = limit?.left <= 0 && resetWords(limit);
    place.classList.toggle('spent', Boolean(spent));
    place.textContent = spent ? `Limit reached: ${spent}` : limit ? leftWords(limit) : '';
  }
}

async function refreshUsage() {
  const path = '/api/usage';
  showCurl($('#usage-curl'), curlLine(path));
  try {
    [known.usage] = await Promise.all([callJson(path), refreshLimits()]);
    say($('#usage-alert'), null);
    showCards();
  } catch (problem) {
    say($('#usage-alert'), problem);
  }
}

function showCards() {
  const { usage, health } = known;
  const names = [...new Set([...Object.keys(health?.services ?? {}), ...Object.keys(usage?.services ?? {})])];
  $('#cards').ariaBusy = usage ? 'false' : 'true';
  $('#cards').replaceChildren(...names.map((name) => serviceCard(name, usage, health?.services?.[name])));
  $('#total').textContent = usage ? totalWords(usage) : 'Counting…';
}

function totalWords({ month, total, cost, currency }) {
  const name = new Date(`${month}-15`).toLocaleDateString('en', { month: 'long', year: 'numeric' });
  return `${name}: ${total ? plural(total, 'request') : 'no requests yet'}${cost ? ` · ${money(cost, currency)}` : ''}`;
}

const money = (amount, currency = '') => `${Number(amount).toFixed(2)} ${currency}`.trim();

function serviceCard(name, usage, health) {
  const row = usage?.services?.[name];
  const status = known.online ? health?.status ?? 'unknown' : 'unknown';
  const dot = el('span', { className: 'dot', ariaHidden: 'true' });
  const state = el('span', { className: 'health', 'data-status': status }, dot, title(status));
  return el('section', { className: 'card', ariaLabel: title(name) },
    el('header', {}, el('h2', {}, title(name)), state),
    row ? countList(row, usage.currency) : el('p', { className: 'none' }, usage ? 'Not used this month.' : 'Counting…'),
    ...limitsOf(name).map(limitLine),
    health && healthLines(health));
}

function countList(row, currency) {
  const pairs = [['Requests', number(row.requests)]];
  if (row.failed) pairs.push(['Failed', number(row.failed)]);
  if (row.cancelled) pairs.push(['Cancelled', number(row.cancelled)]);
  if (row.unit && row.unit !== 'audio_seconds') pairs.push([title(row.unit), number(row.units)]);
  if (row.audio_seconds) pairs.push(['Sound', clock(row.audio_seconds)]);
  if (row.megapixels) pairs.push(['Megapixels', number(row.megapixels, 2)]);
  if (row.tokens) pairs.push(['Tokens', number(row.tokens)]);
  if (row.cost) pairs.push(['Cost', money(row.cost, currency)]);
  const entries = pairs.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value)));
  return el('dl', { className: 'counts' }, ...entries);
}

function limitLine(limit) {
  const bar = el('span', { className: 'gauge', ariaHidden: 'true' }, el('span'));
  bar.firstChild.style.transform = `scaleX(${Math.min(1, Math.max(0, limit.left / limit.allowed))})`;
  const words = `${forAll(limit) ? 'All services: ' : ''}${leftWords(limit)}`;
  const reset = fine(limit.left < limit.allowed ? resetWords(limit) : '');
  return el('div', { className: limit.left <= 0 ? 'limit spent' : 'limit' }, el('p', {}, words, reset), bar);
}

function healthLines({ models = [], model, queue, response_time: took }) {
  const entries = models.length ? models : model ? [{ id: model }] : [];
  const list = el('ul', { className: 'models' }, ...entries.map(({ id, note, state }) =>
    el('li', {}, el('code', {}, id), state && fine(` ${state}`), note && el('p', {}, fine(note)))));
  const facts = [];
  if (queue) facts.push(`${number(queue.running ?? 0)} running, ${number(queue.waiting ?? 0)} waiting`);
  if (typeof took === 'number') facts.push(`answers in ${number(took, 1)} ms`);
  return el('div', { className: 'service-health' }, list, el('p', { className: 'fine' }, facts.join(' · ')));
}

/** Health needs no token, so the dot is honest on the sign-in page too. */
async function pollHealth() {
  if (document.hidden) return;
  const wasOnline = known.online;
  try {
    const response = await fetch('/health', { cache: 'no-store', signal: AbortSignal.timeout(POLL_MS - 500) });
    known.health = await response.json(); // an unhealthy gateway answers 503 with the same body
    known.online = true;
  } catch {
    known.online = false;
  }
  const status = known.online ? known.health.status ?? 'unknown' : 'offline';
  if (known.online && !wasOnline && session.token) refreshOffer();
  $('#health').dataset.status = status;
  $('#health-word').textContent = title(status);
  $('#offline').hidden = known.online;
  showServed();
  showQuotas();
  if (!$('#area-usage').hidden) showCards();
}

// --- Ways around the page: areas, theme, arrival ---------------------------------------------------------------------

const AREAS = ['images', 'edits', 'speak', 'transcribe', 'read', 'usage'];

/** Shows the area that the address names; `#images` and `#edits` share a tab. */
function route() {
  if (takeTokenFromAddress()) return arrive();
  if (!session.token) return undefined;
  const area = AREAS.includes(location.hash.slice(1)) ? location.hash.slice(1) : 'images';
  select('#tabs', area === 'edits' ? 'images' : area);
  select('#subtabs', area === 'edits' ? 'edits' : 'images');
  document.title = `${$(`[role=tab][data-area=${area}]`).textContent.trim()} · Atelier`;
  if (area === 'usage') { showCards(); refreshUsage(); }
  return undefined;
}

function select(list, area) {
  for (const tab of $$('[role=tab]', $(list))) {
    const on = tab.dataset.area === area;
    tab.ariaSelected = on ? 'true' : 'false';
    tab.tabIndex = on ? 0 : -1;
    $(`#${tab.getAttribute('aria-controls')}`).hidden = !on;
  }
}

function createTabs(list) {
  const go = (tab) => { location.hash = tab.dataset.area; };
  for (const tab of $$('[role=tab]', list)) tab.addEventListener('click', () => go(tab));
  rove(list, '[role=tab]', go);
}

function createTheme() {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const apply = () => {
    const chosen = localStorage.getItem('atelier.theme');
    if (chosen) document.documentElement.dataset.theme = chosen;
    const dark = chosen ? chosen === 'dark' : system.matches;
    $('#theme-word').textContent = `Switch to ${dark ? 'light' : 'dark'} theme`;
    $('#theme').title = $('#theme-word').textContent;
    $('#theme').dataset.next = dark ? 'light' : 'dark';
    document.dispatchEvent(new Event('themechange'));
  };
  $('#theme').addEventListener('click', () => {
    localStorage.setItem('atelier.theme', $('#theme').dataset.next);
    apply();
  });
  system.addEventListener('change', apply);
  apply();
}

async function arrive() {
  const name = tenantName(session.token);
  if (visitor !== null && visitor !== name) return location.reload(); // another tenant starts with a clean page
  visitor = name;
  enter(true);
  route();
  return refreshOffer();
}

function begin() {
  createTheme();
  createTabs($('#tabs'));
  createTabs($('#subtabs'));
  createDrop($('#edit-image'));
  createPictureArea('images', 'text-to-image', wordsRequest);
  createPictureArea('edits', 'image-to-image', pictureRequest);
  createCompare();
  createSpeakArea();
  createTranscribeArea();
  createReadArea();
  showRangeValues();
  catchFiles();
  $('#door-form').addEventListener('submit', signIn);
  $('#copy-command').addEventListener('click', (event) => copy($('#door-command').textContent, event.currentTarget));
  $('#sign-out').addEventListener('click', signOut);
  addEventListener('hashchange', route);
  document.addEventListener('visibilitychange', pollHealth);
  setInterval(pollHealth, POLL_MS);
  pollHealth();
  takeTokenFromAddress();
  if (session.token) arrive();
  else openDoor();
}

begin();
