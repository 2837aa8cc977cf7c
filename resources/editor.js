/**
 * What the dialogs of the UShot nodes share in the editor. Plain browser JavaScript: Node-RED serves it from resources/.
 *
 * Every node's html loads it, since Node-RED may load one of them alone; only the first time counts.
 */
(() => {
  if (window.ushot) return;
  const RED = window.RED;
  const $ = window.jQuery;

  const resource = (file) => new URL(`resources/@ushot/node-red/${file}`, document.baseURI).href;
  $('head').append($('<link>', { rel: 'stylesheet', href: resource('editor.css') }));

  /** Texts that all dialogs share stand in the session's catalogue. */
  const say = (key, values) => RED._(`@ushot/node-red/ushot-session:${key}`, values);

  const language = /^ko/i.test(RED.i18n.lang()) ? 'ko' : 'en';

  // Validators. Each returns true, or why not (false where Node-RED does not ask why).

  const ENV = /\$\{[^}]+\}/;
  const verdict = (opt, key, values) => (opt ? say(`errors.${key}`, { ...values, field: opt.label || '' }) : false);

  /** A number between two limits, or ${ENV}. */
  function number({ min, max, blank = false, whole = true }) {
    return (value, opt) => {
      // Missing in a flow that was written by hand: the default holds.
      if (value === undefined) return true;
      const text = String(value).trim();
      if (ENV.test(text) || (blank && text === '')) return true;
      const parsed = Number(text);
      const good = text !== '' && parsed >= min && parsed <= max && (!whole || Number.isInteger(parsed));
      return good || verdict(opt, whole ? 'whole-number' : 'number', { min, max });
    };
  }

  /** Something, or ${ENV}. `unless(node)`: when nothing is needed. */
  function filled(unless = () => false) {
    return function (value, opt) {
      return value === undefined || String(value).trim() !== '' || unless(this) || verdict(opt, 'empty');
    };
  }

  /** A typed input; where it is written out, one phone number or several. Empty: msg.payload has it. */
  function phones(typeField) {
    return function (value, opt) {
      if (typeOf(this, typeField) !== 'str') return RED.validators.typedInput(typeField).call(this, value, opt);
      const parts = String(value ?? '').split(/[,;\n]/);
      const good = parts.every((part) => part.trim() === '' || ENV.test(part) || /^\s*\+?[\d][\d\s().-]*$/.test(part));
      return good || verdict(opt, 'phone');
    };
  }

  /** A typed input of which a written value must match, or be empty, or hold ${ENV}. */
  function typed(typeField, pattern, key) {
    return function (value, opt) {
      if (typeOf(this, typeField) !== 'str') return RED.validators.typedInput(typeField).call(this, value, opt);
      const text = String(value ?? '').trim();
      return text === '' || ENV.test(text) || !pattern || pattern.test(text) || verdict(opt, key);
    };
  }

  const time = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?$|^[1-9]\d{9,13}$/i;

  /** The type that the dialog shows, or that the node was saved with. */
  function typeOf(node, typeField) {
    return $(`#node-input-${typeField}`).val() || node[typeField] || 'str';
  }

  // Fields.

  const everyType = ['str', 'msg', 'flow', 'global', 'jsonata', 'env'];
  /** A timestamp is a time to send at; as a time to give up at it would be over at once. */
  const moreTypes = { sendAt: ['date'] };

  /** Shows the defaults of properties that a flow written by hand does not have. */
  function fillMissing(node, prefix) {
    for (const [name, { value }] of Object.entries(node._def.defaults)) {
      if (node[name] === undefined && value !== '') $(`#${prefix}-${name}`).val(value);
    }
  }

  /** Turns `#node-input-<name>` into a typed input that keeps its type in `<name>Type`. */
  function typedField(name) {
    const types = [...everyType, ...(moreTypes[name] ?? [])];
    $(`#node-input-${name}`).typedInput({ types, typeField: `#node-input-${name}Type` });
  }

  /**
   * The text of a message: a typed input says where it comes from; a text that is written here has a field of its own
   * below, of several lines. `#node-input-text` and `#node-input-textType` hold what is saved.
   */
  function textField() {
    const value = $('#node-input-text');
    const type = $('#node-input-textType');
    const source = $('#ushot-text-source');
    const body = $('#ushot-text-body');
    const written = { value: 'str', label: say('text.written'), icon: 'red/images/typedInput/az.svg', hasValue: false };
    if (type.val() === 'str') body.val(value.val());
    else source.val(value.val());
    source.typedInput({ types: [written, ...everyType.slice(1)], default: type.val() || 'msg' });
    source.typedInput('type', type.val() || 'msg');
    const keep = () => {
      const isWritten = source.typedInput('type') === 'str';
      type.val(source.typedInput('type'));
      value.val(isWritten ? body.val() : source.typedInput('value')).trigger('change');
      $('.ushot-text-body').toggle(isWritten);
    };
    source.on('change', keep);
    body.on('input', keep);
    keep();
    meterBelow(body[0], () => type.val() === 'str');
  }

  /** The meter of the text, which follows all that bears on it. */
  function meterBelow(body, isWritten) {
    const field = (name) => $(`#node-input-${name}`);
    const literal = (name) =>
      field(`${name}Type`).val() === 'str' ? String(field(name).val() ?? '').trim() : undefined;
    const session = () => RED.nodes.node(field('session').val()) ?? undefined;
    /** By session, what its login said. */
    const accounts = {};
    const state = () => ({
      written: isWritten(),
      mms: field('subject').length > 0,
      overflow: field('overflow').val(),
      url: literal('url'),
      from: literal('from'),
      subject: literal('subject'),
      session: session(),
      account: accounts[session()?.id],
    });
    import(resource('message-meter.js')).then(({ showMeter }) => {
      const place = document.getElementById('ushot-meter');
      // Closed meanwhile.
      if (!place || !body.isConnected) return;
      const update = showMeter(place, body, { say, language, state });
      const learn = () => {
        const { id } = session() ?? {};
        if (!id || accounts[id]) return;
        accounts[id] = {};
        $.getJSON(`ushot/sessions/${encodeURIComponent(id)}`).then((account) => {
          accounts[id] = account;
          update();
        });
      };
      for (const name of ['overflow', 'url', 'from', 'subject', 'text']) field(name).on('change', update);
      field('session').on('change', () => {
        learn();
        update();
      });
      learn();
    });
  }

  /** What goes wrong on purpose in practice: the results that a gateway can report, and when a fault strikes. */
  function practiceFields() {
    const value = $('#node-config-input-practiceResult');
    const choice = $('#ushot-practice-result');
    import(resource('generated/tables.js')).then(({ results }) => {
      for (const [code, text] of Object.entries(results)) {
        choice.append($('<option>', { value: code, text: `${code} · ${text[language]}` }));
      }
      choice.val(String(Number(value.val())));
      choice.on('change', () => value.val(choice.val()));
    });
    const fault = $('#node-config-input-practiceFault');
    const showAfter = () =>
      $('#ushot-fault-after').toggle(!['none', 'no-report', 'report-twice'].includes(String(fault.val())));
    fault.on('change', showAfter);
    showAfter();
  }

  /** The connection test: what is typed, deployed or not, goes to the server and is tried there. */
  function testButton(node) {
    const field = (name) => String($(`#node-config-input-${name}`).val() ?? '');
    const read = () => ({
      node: node.id,
      id: field('id'),
      password: field('password'),
      language,
      settings: Object.fromEntries(Object.keys(node._def.defaults).map((name) => [name, field(name)])),
    });
    const ask = (request) =>
      $.ajax({
        url: 'ushot/probe',
        type: 'POST',
        contentType: 'application/json; charset=utf-8',
        data: JSON.stringify(request),
        timeout: 30_000,
      }).then(
        (answer) => answer,
        ({ status, responseJSON }) =>
          $.Deferred().resolve({ problem: responseJSON?.problem ?? say('test.failed', { status }) }),
      );
    const [button] = $('#ushot-test');
    const [place] = $('#ushot-test-result');
    import(resource('test-connection.js')).then(({ connectionTest }) =>
      connectionTest(button, place, { say, read, ask }),
    );
  }

  /** Messages of the deployed session that wait for a decision. What is decided here happens at once. */
  function heldMessages(node) {
    const url = `ushot/sessions/${encodeURIComponent(node.id)}/held`;
    const list = () => $.ajax({ url, dataType: 'json', timeout: 30_000 });
    const decide = (messageIds, decision) =>
      $.ajax({
        url,
        type: 'POST',
        contentType: 'application/json; charset=utf-8',
        data: JSON.stringify({ messageIds, decision, language }),
        timeout: 30_000,
      }).then(
        (answer) => answer,
        ({ status, responseJSON }) =>
          $.Deferred().resolve({ problem: responseJSON?.problem ?? say('held.failed', { status }) }),
      );
    const confirm = (question, yes) =>
      new Promise((resolve) => {
        const answer = (agreed) => () => {
          asked.close();
          resolve(agreed);
        };
        const buttons = [
          { text: RED._('common.label.cancel'), click: answer(false) },
          { text: yes, class: 'primary', click: answer(true) },
        ];
        const asked = RED.notify(question, { type: 'warning', modal: true, fixed: true, buttons });
        // The keyboard goes on there: Node-RED 5 sees to it, 4 does not. The question slides in, so not at once.
        setTimeout(() => {
          if (!asked.closed && !asked.contains(document.activeElement)) asked.querySelector('button')?.focus();
        }, 100);
      });
    const [section] = $('#ushot-held');
    import(resource('held-messages.js')).then(({ showHeld }) =>
      showHeld(section, { say, language, list, decide, confirm }),
    );
  }

  /** Opens the sections that hold something else than their defaults, so that nothing set is hidden. */
  function openChangedSections(node, sections) {
    for (const [id, names] of Object.entries(sections)) {
      const isChanged = (name) =>
        node[name] !== undefined && String(node[name]) !== String(node._def.defaults[name].value);
      const changed = names.some(isChanged);
      if (changed) $(`#${id}`).prop('open', true);
    }
  }

  // Badges. The runtime speaks English, for flows; whoever looks at the editor reads their own language.

  RED.comms.subscribe('status/#', (topic, status) => {
    const node = RED.nodes.node(topic.split('/')[1]);
    if (!node || !/^ushot-/.test(node.type) || typeof status.text !== 'string') return;
    const n = /\d+/.exec(status.text)?.[0];
    const key = status.text
      .replace(/[^a-z]+/g, ' ')
      .trim()
      .replace(/ /g, '-');
    status.text = say(`status.${key}`, { n, defaultValue: status.text });
  });

  // A node that only practises wears it on the canvas, before it is deployed as well.

  const practises = ({ type, session }) => /^ushot-/.test(type) && RED.nodes.node(session)?.mode === 'practice';

  RED.view?.annotations?.register('ushot-practising', {
    type: 'badge',
    class: 'ushot-practising',
    filter: ({ type }) => /^ushot-/.test(type),
    show: practises,
    element() {
      const svg = (tag, attributes) => {
        const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
        for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
        return element;
      };
      const text = say('practice.badge');
      // Hangul is as wide as it is high, Latin half of that.
      const width = 12 + [...text].reduce((sum, char) => sum + (char > '\u1100' ? 10 : 5.5), 0);
      const badge = svg('g', {});
      const words = svg('text', { x: width / 2, y: 4, 'text-anchor': 'middle' });
      words.textContent = text;
      badge.append(svg('rect', { y: -7, width, height: 15, rx: 7 }), words);
      return badge;
    },
    tooltip: () => say('practice.switch'),
  });

  // The tour: in the list of actions, and offered with the first node that somebody adds.

  const SEEN = 'ushot-tour';
  const showTour = () => RED.tourGuide.run(resource('tour.js'));
  RED.actions?.add('ushot:show-tour', showTour, { label: say('tour.action') });

  /** Offers the tour once, where tours are not switched off. */
  function offerTour() {
    if (RED.settings.theme('tours') === false || localStorage.getItem(SEEN)) return;
    localStorage.setItem(SEEN, 'offered');
    const buttons = [
      { text: say('tour.later'), click: () => offer.close() },
      {
        text: say('tour.start'),
        class: 'primary',
        click: () => {
          offer.close();
          showTour();
        },
      },
    ];
    const offer = RED.notify(say('tour.offer'), { fixed: true, modal: false, buttons });
  }

  /** Somebody is putting a node on the canvas: where there is only one session, it is that. */
  function nodeAdded(node) {
    const sessions = [];
    RED.nodes.eachConfig((config) => {
      if (config.type === 'ushot-session') sessions.push(config.id);
      return true;
    });
    if (!node.session && sessions.length === 1) [node.session] = sessions;
    offerTour();
  }

  window.ushot = {
    ...{ say, number, filled, phones, typed, time },
    ...{ fillMissing, typedField, textField, openChangedSections, practiceFields, testButton, heldMessages },
    nodeAdded,
  };
})();
