/**
 * Messages on hold in the session dialog: what they are, and the operator's decision about one or all of them. Shown only
 * while there are some, and afterwards what became of the last decision.
 */

const make = (tag, className, text) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};

const decisions = ['resend', 'discard'];
const icons = { resend: 'fa-repeat', discard: 'fa-trash-o' };
const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

/**
 * @param {HTMLDetailsElement} section
 * @param {{say: (key: string, values?: object) => string, language: string,
 *   list: () => Promise<{held: {messageId: string, to: string, type: string, sinceMs: number, expireAtMs: number}[],
 *     count: number, nowMs: number}>,
 *   decide: (messageIds: string[], decision: string) => Promise<{decided?: number, problem?: string}>,
 *   confirm: (question: string, yes: string) => Promise<boolean>}} surroundings
 */
export async function showHeld(section, { say, language, list, decide, confirm }) {
  const summary = section.querySelector('summary');
  const place = section.querySelector('#ushot-held-list');
  const result = section.querySelector('#ushot-held-result');
  const relative = new Intl.RelativeTimeFormat(language, { style: 'narrow' });
  const absolute = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' });
  let busy = false;

  await refresh();

  /** Without an answer what is shown stays: the problem is on the badge of the nodes. */
  async function refresh() {
    const answer = await list().then(
      (held) => held,
      () => null,
    );
    if (!answer) return;
    const { held, count, nowMs } = answer;
    place.replaceChildren(
      ...(held.length > 1 ? [head(held, count, nowMs)] : []),
      ...(held.length > 0 ? [rows(held, nowMs)] : []),
    );
    if (held.length > 0) section.hidden = false;
  }

  function head(held, count, nowMs) {
    const line = make('div', 'ushot-held-all');
    line.append(
      make('span', '', say(count > held.length ? 'held.oldest' : 'held.count', { count, shown: held.length })),
    );
    const ids = {
      resend: held.filter(({ expireAtMs }) => expireAtMs > nowMs).map(({ messageId }) => messageId),
      discard: held.map(({ messageId }) => messageId),
    };
    for (const decision of decisions) {
      const button = makeButton(decision, say(`held.${decision}-all`), async () => {
        busy = true;
        const question = say(`held.sure-${decision}`, { n: ids[decision].length });
        const sure = await confirm(question, say(`held.${decision}-all`));
        busy = false;
        if (sure) await carryOut(ids[decision], decision, 0);
        else button.focus();
      });
      button.disabled = ids[decision].length === 0;
      line.append(button);
    }
    return line;
  }

  function rows(held, nowMs) {
    const all = make('ul', 'ushot-held-rows');
    all.setAttribute('aria-label', section.querySelector('summary').textContent);
    all.append(...held.map((message, i) => row(message, i, nowMs)));
    return all;
  }

  function row({ messageId, to, type, sinceMs, expireAtMs }, index, nowMs) {
    const line = make('li');
    const what = make('div', 'ushot-held-message');
    const first = make('div');
    const time = make('time', '', ago(sinceMs, nowMs));
    time.dateTime = new Date(sinceMs).toISOString();
    time.title = absolute.format(sinceMs);
    first.append(make('strong', '', to), make('span', 'ushot-kind', type), time);
    what.append(first, make('small', '', messageId));
    const late = expireAtMs <= nowMs;
    if (late) what.append(make('small', 'ushot-warning', say('held.too-late')));
    line.append(what);
    for (const decision of decisions) {
      const words = say(`held.${decision}`);
      const button = makeButton(decision, words, () => carryOut([messageId], decision, index));
      // A screen reader says which message; what is written comes first, for those who speak to the machine.
      button.setAttribute('aria-label', `${words}: ${type} ${to}, ${messageId}`);
      button.disabled = decision === 'resend' && late;
      line.append(button);
    }
    return line;
  }

  function makeButton(decision, words, act) {
    const button = make('button', 'red-ui-button red-ui-button-small');
    button.type = 'button';
    button.dataset.decision = decision;
    const sign = make('i', `fa ${icons[decision]}`);
    sign.setAttribute('aria-hidden', 'true');
    button.append(sign, ' ', words);
    button.addEventListener('click', () => {
      if (!busy) void act();
    });
    return button;
  }

  async function carryOut(messageIds, decision, index) {
    busy = true;
    place.setAttribute('aria-busy', 'true');
    const { decided, problem } = await decide(messageIds, decision);
    await refresh();
    place.removeAttribute('aria-busy');
    busy = false;
    // Closed meanwhile.
    if (!section.isConnected) return;
    if (problem) tell('fa-times', 'ushot-bad', problem);
    else tell('fa-check', 'ushot-good', outcome(decision, decided, messageIds.length));
    // The button that was pressed is gone: the keyboard goes on at the next message.
    const lines = place.querySelectorAll('li');
    const next = lines[Math.min(index, lines.length - 1)];
    (
      next?.querySelector(`button[data-decision="${decision}"]:enabled`) ??
      next?.querySelector('button:enabled') ??
      summary
    ).focus();
  }

  function outcome(decision, decided, asked) {
    const words = decided > 0 ? [say(`held.done-${decision}`, { n: decided })] : [];
    if (decided < asked) words.push(say('held.settled', { n: asked - decided }));
    return words.join(' ');
  }

  function tell(icon, className, text) {
    const line = make('div', `ushot-test-line ${className}`);
    const sign = make('i', `fa ${icon}`);
    sign.setAttribute('aria-hidden', 'true');
    line.append(sign, make('span', '', text));
    result.replaceChildren(line);
  }

  function ago(sinceMs, nowMs) {
    const seconds = Math.max(0, Math.round((nowMs - sinceMs) / 1000));
    const [unit, length] = units.find(([, length]) => seconds >= length) ?? ['second', 1];
    return relative.format(-Math.floor(seconds / length), unit);
  }
}
