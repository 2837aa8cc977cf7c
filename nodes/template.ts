/**
 * Texts with places to be filled in, {{payload.sensor}}, by the library and the rules of Node-RED's own template node:
 * names are looked for in the msg; flow., global. and env. reach beyond it. Nothing is escaped, since an SMS is no HTML.
 */
import mustache from 'mustache';

/** Where a name that does not belong to the msg is looked up. */
export type Scope = 'flow' | 'global' | 'env';
/** Resolves with the value of `name`, in a context store if one is given. */
export type LookUp = (scope: Scope, name: string, store: string | undefined) => Promise<unknown>;

type Tokens = readonly (readonly unknown[])[];

/** Only what holds these is a template; everything else is sent as it stands. */
export const isTemplate = (text: unknown): text is string => typeof text === 'string' && text.includes('{{');

const beyond = /^(flow|global|env)(?:\[(\w+)\])?\.(.+)$/;

/** Fills the template in. Throws what mustache throws for one that is malformed, such as {{ without }}. */
export async function fillTemplate(template: string, msg: object, lookUp: LookUp): Promise<string> {
  const writer = new mustache.Writer();
  const names = [...namesIn(writer.parse(template))];
  const looked = names.flatMap((name) => {
    const [, scope, store, field = ''] = beyond.exec(name) ?? [];
    return scope ? [lookUp(scope as Scope, field, store).then((value) => [name, value] as const)] : [];
  });
  const context = new MessageContext(msg, undefined, new Map(await Promise.all(looked)));
  // What stands in {{{three braces}}} does not come by here, and is written as it is.
  return writer.render(template, context, undefined, { escape: written });
}

/** An object in a text helps nobody as [object Object]. */
const written = (value: unknown): string =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? JSON.stringify(value) : String(value);

class MessageContext extends mustache.Context {
  readonly #looked: ReadonlyMap<string, unknown>;

  constructor(view: unknown, parent: MessageContext | undefined, looked: ReadonlyMap<string, unknown>) {
    super(view as object, parent);
    this.#looked = looked;
  }

  override push(view: unknown): MessageContext {
    return new MessageContext(view, this, this.#looked);
  }

  override lookup(name: string): unknown {
    return super.lookup(name) ?? this.#looked.get(name);
  }
}

function* namesIn(tokens: Tokens): Iterable<string> {
  for (const [kind, name, , , inner] of tokens) {
    if (kind !== 'text') yield String(name);
    if (Array.isArray(inner)) yield* namesIn(inner as Tokens);
  }
}
