/**
 * The meter below the text of a message: how many bytes of how many, SMS or LMS, which characters cannot be sent and what
 * could stand there instead, and how it will look on a phone.
 *
 * It counts with the code that counts at run time (lib/protocol/text-meter.ts; the build puts it into generated/), so the
 * two cannot disagree. What is to be filled in later, {{...}}, is not counted: nobody knows yet how long it will be.
 */
import { charsets, sentences } from './generated/tables.js';
import { findUnencodable, measure, unpackWidths } from './generated/text-meter.js';

/** LMS at most, by the frames that the account has. */
const VARIABLE_BYTES = 3000;
const FIXED_BYTES = 2000;
/** An SMS as the manual recommends it. */
const SMS_BYTES = 90;

const TEMPLATE = /\{\{[\s\S]*?\}\}\}?/g;

const widths = new Map();

function widthOf(name) {
  const charset = Object.hasOwn(charsets, name) ? name : 'cp949';
  if (!widths.has(charset)) widths.set(charset, unpackWidths(charsets[charset]));
  return { charset, width: widths.get(charset) };
}

/** A number that a session holds, which may be missing or ${ENV}. */
const numberOr = (value, otherwise) => (Number(value) > 0 ? Number(value) : otherwise);

/**
 * What the session allows. `account`: what the running session has learned from its login, if it has.
 * @returns {{charset: string, replaces: boolean, smsBytes: number, lmsBytes: number, sure: boolean}}
 */
export function limitsOf(session = {}, account = {}) {
  const known = numberOr(account.lmsBytes, 0);
  const widest = session.variable === 'N' ? FIXED_BYTES : numberOr(session.maxMsgBytes, VARIABLE_BYTES);
  return {
    charset: session.charset ?? 'cp949',
    replaces: session.unencodable === 'replace',
    smsBytes: numberOr(session.smsLimitBytes, SMS_BYTES),
    lmsBytes: Math.min(known || widest, VARIABLE_BYTES),
    sure: known > 0 || widest <= FIXED_BYTES,
  };
}

/**
 * Measures what is written, without its templates.
 * @param {{mms?: boolean, overflow?: string}} node
 */
export function read(text, node, limits) {
  const composed = text.normalize('NFC');
  const { charset, width } = widthOf(limits.charset);
  const templates = [...composed.matchAll(TEMPLATE)].map((match) => ({ index: match.index, char: match[0] }));
  const literal = composed.replace(TEMPLATE, '');
  const rejects = !node.mms && node.overflow === 'reject';
  const { bytes, kind, limit } = measure(literal, width, {
    smsBytes: node.mms ? -1 : limits.smsBytes,
    lmsBytes: rejects ? limits.smsBytes : limits.lmsBytes,
  });
  const hidden = (index) => templates.some((tag) => index >= tag.index && index < tag.index + tag.char.length);
  const lacking = findUnencodable(composed, width).filter(({ index }) => !hidden(index));
  const unclosed = literal.includes('{{');
  return { composed, charset, templates, unclosed, lacking, bytes, kind, limit, type: rejects ? 'SMS' : 'LMS' };
}

/** A sentence of the runtime's own, in the reader's language. */
function sentence(code, language, values) {
  return sentences[code][language].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

const make = (tag, className, text) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};

/**
 * Shows the meter.
 * @param {HTMLElement} place where it goes
 * @param {HTMLTextAreaElement} body what is typed
 * @param {{say: (key: string, values?: object) => string, language: 'en' | 'ko', state: () => {
 *   written: boolean, mms: boolean, overflow?: string, url?: string, from?: string, subject?: string,
 *   session?: object, account?: object}}} surroundings
 * @returns {() => void} to be called when something other than the text has changed
 */
export function showMeter(place, body, { say, language, state }) {
  const line = make('div', 'ushot-meter-line');
  const kind = make('span', 'ushot-kind');
  const bar = make('div', 'ushot-bar');
  bar.setAttribute('aria-hidden', 'true');
  const fill = bar.appendChild(make('div'));
  const bytes = make('span', 'ushot-bytes');
  bytes.id = 'ushot-bytes';
  line.append(kind, bar, bytes);
  const warning = make('p', 'ushot-warning');
  warning.setAttribute('role', 'status');
  const lackingList = make('ul', 'ushot-lacking');
  const note = make('p', 'ushot-meter-note');
  const phone = make('details', 'ushot-phone');
  phone.append(make('summary', '', say('meter.preview')));
  const screen = phone.appendChild(make('div', 'ushot-phone-body'));
  place.replaceChildren(line, warning, lackingList, note, phone);
  body.setAttribute('aria-describedby', 'ushot-bytes');
  const ink = inkBehind(body);

  const update = () => {
    const now = state();
    for (const part of [line, lackingList, phone]) part.hidden = !now.written;
    place.classList.remove('ushot-meter-bad');
    if (!now.written) {
      warning.textContent = '';
      note.textContent = say('meter.unknown');
      return;
    }
    const limits = limitsOf(now.session, now.account);
    const found = read(body.value, now, limits);
    const tooLong = found.kind === 'too-long';
    const urlWithLms = now.url && found.kind === 'LMS' && !now.mms;
    place.classList.toggle('ushot-meter-bad', tooLong || Boolean(urlWithLms));
    kind.textContent = tooLong ? say('meter.too-long') : now.mms ? 'LMS / MMS' : found.kind;
    const values = { bytes: found.bytes.toLocaleString(), limit: found.limit.toLocaleString() };
    bytes.textContent = say('meter.bytes', values);
    fill.style.width = `${Math.min(100, (100 * found.bytes) / found.limit)}%`;

    const problems = [];
    if (tooLong) {
      problems.push(sentence('USHOT_TEXT_TOO_LONG', language, { ...found, limit: found.limit }));
    } else if (urlWithLms) {
      problems.push(sentence('USHOT_URL_WITH_LMS', language, { bytes: found.bytes, limit: limits.smsBytes }));
    }
    if (found.unclosed) problems.push(say('meter.unclosed'));
    if (found.lacking.length > 0) {
      problems.push(
        say(limits.replaces ? 'meter.replaced' : 'meter.lacking', { charset: found.charset.toUpperCase() }),
      );
    }
    setText(warning, problems.join(' '));

    const notes = [];
    if (found.kind === 'LMS' && !now.mms && !urlWithLms) notes.push(say('meter.lms', { limit: limits.smsBytes }));
    if (found.kind === 'LMS' && found.bytes > FIXED_BYTES && !limits.sure) notes.push(say('meter.unsure'));
    if (found.templates.length > 0) notes.push(say('meter.templates'));
    note.textContent = notes.join(' ');

    const marks = [
      ...found.lacking.map((one) => ({ ...one, bad: true })),
      ...found.templates.map((one) => ({ ...one, bad: false })),
    ].sort((a, b) => a.index - b.index);
    listLacking(found);
    ink(found.composed === body.value ? marked(body.value, marks) : []);
    if (phone.open) showScreen(now, found.composed, marks);
  };

  /** A button for each character that cannot be sent; it puts the suggestion in its place, everywhere. */
  function listLacking({ composed, lacking }) {
    const once = new Map(lacking.map((one) => [one.char, one]));
    const items = [...once.values()].slice(0, MOST_LISTED).map(({ char, suggestion }) => {
      const code = `U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
      const isSeen = /[^\p{C}\p{M}\p{Z}]/u.test(char);
      const shown = isSeen ? char : code;
      const button = make('button', 'red-ui-button red-ui-button-small');
      button.type = 'button';
      const becomes = suggestion === ' ' ? '␣' : suggestion === '\n' ? '↵' : suggestion;
      button.textContent = becomes ? `${shown} → ${becomes}` : `${shown} ✕`;
      const label = say(becomes ? 'meter.replace' : 'meter.remove', { char: shown, suggestion: becomes });
      button.title = `${label} (${code})`;
      button.setAttribute('aria-label', label);
      button.addEventListener('click', () => rewrite(body, composed.replaceAll(char, suggestion ?? '')));
      const item = make('li');
      item.append(button);
      return item;
    });
    if (once.size > items.length) items.push(make('li', '', '…'));
    lackingList.replaceChildren(...items);
    lackingList.hidden = items.length === 0;
  }

  function showScreen({ from, subject, mms }, text, marks) {
    const bubble = make('div', 'ushot-bubble');
    if (mms && subject) bubble.append(make('b', '', subject));
    bubble.append(...marked(text, marks));
    screen.replaceChildren(make('div', 'ushot-phone-from', from || say('meter.sender')), bubble);
  }

  body.addEventListener('input', update);
  phone.addEventListener('toggle', update);
  update();
  return update;
}

const MOST_LISTED = 12;

/** Screen readers speak a status when it changes, so it is left alone otherwise. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The text in pieces, those of `marks` marked. */
function marked(text, marks) {
  const pieces = [];
  let done = 0;
  for (const { index, char, bad } of marks) {
    pieces.push(text.slice(done, index), make(bad ? 'mark' : 'span', bad ? '' : 'ushot-tag', char));
    done = index + char.length;
  }
  // A line break at the end would otherwise have no height.
  pieces.push(`${text.slice(done)}\u200b`);
  return pieces;
}

/** Replaces the whole text in a way that the browser can undo. */
function rewrite(body, text) {
  body.focus();
  body.select();
  if (document.execCommand('insertText', false, text)) return;
  body.value = text;
  body.dispatchEvent(new Event('input', { bubbles: true }));
}

/** A text area cannot paint parts of its text, so a copy of it stands behind it. Gives what shows the copy. */
function inkBehind(body) {
  const frame = body.parentElement;
  const copy = frame.querySelector('.ushot-marks');
  const follow = () => {
    copy.style.width = `${body.offsetWidth}px`;
    copy.style.height = `${body.offsetHeight}px`;
    // A scroll bar narrows the text, not the frame.
    const style = getComputedStyle(body);
    const bar = body.offsetWidth - body.clientWidth - Number.parseFloat(style.borderLeftWidth) * 2;
    for (const name of ['fontFamily', 'fontSize', 'lineHeight', 'letterSpacing', 'paddingTop', 'paddingLeft']) {
      copy.style[name] = style[name];
    }
    copy.style.paddingRight = `${Number.parseFloat(style.paddingRight) + Math.max(0, bar)}px`;
    copy.scrollTop = body.scrollTop;
  };
  body.addEventListener('scroll', follow);
  new ResizeObserver(follow).observe(body);
  frame.classList.add('ushot-ink-ready');
  return (pieces) => {
    copy.replaceChildren(...pieces);
    follow();
  };
}
