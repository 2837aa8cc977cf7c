/**
 * What the dialogs of the UShot nodes share in the editor. Plain browser JavaScript: Node-RED serves it from resources/.
 *
 * Every node's html loads it, since Node-RED may load one of them alone; only the first time counts.
 */
(() => {
  if (window.ushot) return;
  const RED = window.RED;
  const $ = window.jQuery;

  /** Texts that all dialogs share stand in the session's catalogue. */
  const say = (key, values) => RED._(`@ushot/node-red/ushot-session:${key}`, values);

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

  const time = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?$|^\d{9,14}$/i;

  /** The type that the dialog shows, or that the node was saved with. */
  function typeOf(node, typeField) {
    return $(`#node-input-${typeField}`).val() || node[typeField] || 'str';
  }

  // Fields.

  const everyType = ['str', 'msg', 'flow', 'global', 'jsonata', 'env'];

  /** Shows the defaults of properties that a flow written by hand does not have. */
  function fillMissing(node, prefix) {
    for (const [name, { value }] of Object.entries(node._def.defaults)) {
      if (node[name] === undefined && value !== '') $(`#${prefix}-${name}`).val(value);
    }
  }

  /** Turns `#node-input-<name>` into a typed input that keeps its type in `<name>Type`. */
  function typedField(name, types = everyType) {
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

  window.ushot = { say, number, filled, phones, typed, time, fillMissing, typedField, textField, openChangedSections };
})();
