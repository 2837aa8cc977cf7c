/**
 * The connection test of the session dialog: asks the server to log in with what is typed, and shows what came of it,
 * port by port, in words.
 */

const make = (tag, className, text) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};

const number = (value) => (typeof value === 'number' ? value.toLocaleString() : undefined);

/**
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} place a live region, where the result goes
 * @param {{say: (key: string, values?: object) => string, read: () => object,
 *   ask: (request: object) => Promise<{links?: object[], problem?: string}>}} surroundings `read` gives what is typed
 */
export function connectionTest(button, place, { say, read, ask }) {
  button.addEventListener('click', async () => {
    button.disabled = true;
    place.setAttribute('aria-busy', 'true');
    show(row('fa-spinner fa-spin', '', say('test.running')));
    const answer = await ask(read());
    place.removeAttribute('aria-busy');
    button.disabled = false;
    show(...(answer.links ? links(answer.links) : [row('fa-times', 'ushot-bad', answer.problem)]));
  });

  function show(...rows) {
    place.replaceChildren(...rows);
    place.scrollIntoView({ block: 'nearest' });
  }

  function links(all) {
    const rows = all.map((link) => {
      const name = say(`test.link.${link.service}-${link.role}`);
      const what = link.ok ? say(link.running ? 'test.running-already' : 'test.good') : link.text;
      return row(link.ok ? 'fa-check' : 'fa-times', link.ok ? 'ushot-good' : 'ushot-bad', what, name);
    });
    const terms = termsOf(all);
    return terms ? [...rows, terms] : rows;
  }

  function row(icon, className, text, name) {
    const line = make('div', `ushot-test-line ${className}`);
    const sign = make('i', `fa ${icon}`);
    sign.setAttribute('aria-hidden', 'true');
    const words = make('span');
    if (name) words.append(make('strong', '', name), ' ');
    words.append(text);
    line.append(sign, words);
    return line;
  }

  /** What the logins said of the account. The report ports say the same as the send ports, or nothing. */
  function termsOf(all) {
    const of = (service) => all.find((link) => link.ok && link.service === service && link.role === 'send')?.terms;
    const sms = of('sms');
    const mms = of('mms');
    const any = { ...mms, ...sms };
    if (!sms && !mms) return undefined;
    const prices = [
      ['SMS', any.smsCost],
      ['LMS', any.lmsCost],
      ['MMS', any.mmsCost],
    ].filter(([, cost]) => cost !== undefined);
    const perRequest = [
      ['SMS', sms],
      ['LMS/MMS', mms],
    ].filter(([, terms]) => terms);
    const facts = [
      ['fee', any.feeType && say(`test.${any.feeType}`)],
      ['balance', any.feeType === 'postpaid' ? undefined : number(any.balance)],
      ['prices', prices.map(([name, cost]) => `${name} ${number(cost)}`).join(' · ')],
      ['perRequest', perRequest.map(([name, terms]) => `${name} ${number(terms.maxPerRequest)}`).join(' · ')],
      ['lms', mms && say(mms.variable ? 'test.variable' : 'test.fixed', { bytes: number(mms.maxMsgBytes) })],
      ['service', any.service === 'callback-url' ? say('test.callback-url') : undefined],
    ];
    const list = make('dl', 'ushot-test-terms');
    for (const [name, value] of facts) {
      if (value) list.append(make('dt', '', say(`test.label.${name}`)), make('dd', '', value));
    }
    return list;
  }
}
