/**
 * From a msg to what the agent is asked to send. Pure but for the evaluation of typed inputs, which is Node-RED's.
 *
 * The rules, for every node that sends:
 * - The node's own fields are evaluated first. An empty one is left out.
 * - A text or subject that is written on the node may be a template: see template.ts.
 * - An object in msg.payload overrides them member by member; an array of objects is one message each.
 * - A payload that is a text (or a number) is the message's text, unless the node has a text of its own.
 * - Anything else in msg.payload is ignored where the node's fields say all, as it is by a node that was only triggered.
 */
import type { Node, NodeMessageInFlow } from 'node-red';
import { kindInKorean, kindOf, type SendRequest } from '../lib/agent/request.ts';
import { UshotError } from '../lib/errors.ts';
import { fillTemplate, isTemplate, type Scope } from './template.ts';

/** What of Node-RED this needs: `RED.util`. */
export interface PropertyReader {
  evaluateNodeProperty(
    value: string,
    type: string,
    node: Node,
    msg: NodeMessageInFlow,
    callback: (error: Error | null, value: unknown) => void,
  ): unknown;
  getMessageProperty(msg: NodeMessageInFlow, name: string): unknown;
}

/** A node's properties as the editor stored them. */
export type NodeProperties = Readonly<Record<string, unknown>>;

/** What an object in msg.payload may say. */
const members = [
  'to',
  'from',
  'text',
  'subject',
  'files',
  'url',
  'sendAt',
  'expireAt',
  'messageId',
  'groupId',
  'userCode',
] as const;
export type Member = (typeof members)[number];

export type Fields = { readonly [K in Member]?: unknown };

interface FieldSource {
  readonly type: string;
  readonly value: string;
}

/** The fields of the two nodes, and where a node that was saved without one takes it from. */
const own: FieldSource = { type: 'str', value: '' };
const payloadText: FieldSource = { type: 'msg', value: 'payload' };
export const sendFields = {
  sms: { to: own, from: own, text: payloadText, url: own, sendAt: own, expireAt: own },
  mms: {
    to: own,
    from: own,
    subject: own,
    text: payloadText,
    files: { type: 'msg', value: 'files' },
    sendAt: own,
    expireAt: own,
  },
} as const satisfies Record<SendRequest['node'], Partial<Record<Member, FieldSource>>>;

/** Evaluates the node's own fields for this msg. Throws USHOT_EXPRESSION for one that cannot be evaluated. */
export async function evaluateFields(
  reader: PropertyReader,
  node: Node,
  kind: SendRequest['node'],
  properties: NodeProperties,
  msg: NodeMessageInFlow,
): Promise<Fields> {
  const fields: { [K in Member]?: unknown } = {};
  for (const [name, source] of Object.entries(sendFields[kind]) as [Member, FieldSource][]) {
    const type = properties[`${name}Type`] ?? (properties[name] === undefined ? source.type : 'str');
    const given = properties[name] ?? (properties[`${name}Type`] === undefined ? source.value : '');
    // A literal needs no evaluation, and a number that somebody wrote into the flow file is as good as its text.
    if (type === 'str' && templates.has(name) && isTemplate(given)) {
      // Even when nothing comes out of it, the node has a text of its own: msg.payload does not take its place.
      fields[name] = await fill(reader, node, name, given, msg);
      continue;
    }
    const value = type === 'str' ? given : await evaluate(reader, node, name, String(type), String(given), msg);
    if (!isEmpty(value)) fields[name] = value;
  }
  return fields;
}

/** Fields that may be templates. */
const templates: ReadonlySet<Member> = new Set(['text', 'subject']);

async function fill(
  reader: PropertyReader,
  node: Node,
  field: Member,
  template: string,
  msg: NodeMessageInFlow,
): Promise<string> {
  const lookUp = (scope: Scope, name: string, store: string | undefined) =>
    evaluate(reader, node, field, scope, store === undefined ? name : `#:(${store})::${name}`, msg);
  try {
    return await fillTemplate(template, msg, lookUp);
  } catch (error) {
    if (error instanceof UshotError) throw error;
    const problem = error instanceof Error ? error.message : String(error);
    throw new UshotError('USHOT_EXPRESSION', { field, problem }, { cause: error });
  }
}

function evaluate(
  reader: PropertyReader,
  node: Node,
  field: string,
  type: string,
  value: string,
  msg: NodeMessageInFlow,
): Promise<unknown> {
  if (value === '' && type !== 'date') return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      // "a.b" of a msg without "a": nothing is there, as when "a" has no "b".
      if (type === 'msg' && error instanceof TypeError) return resolve(undefined);
      const problem = error instanceof Error || hasMessage(error) ? error.message : String(error);
      reject(new UshotError('USHOT_EXPRESSION', { field, problem }, { cause: error }));
    };
    try {
      reader.evaluateNodeProperty(value, type, node, msg, (error, result) => (error ? fail(error) : resolve(result)));
    } catch (error) {
      fail(error);
    }
  });
}

/** What msg.payload and the node's fields ask for. `list`: the payload was an array, so the answer is one too. */
export function readRequests(
  payload: unknown,
  fields: Fields,
  node: SendRequest['node'],
  overflow: SendRequest['overflow'],
): { readonly requests: SendRequest[]; readonly list: boolean } {
  const messages = messagesOf(payload);
  if (messages) {
    // A field that points at msg.payload means a payload that is its value, not one that holds messages.
    const defaults = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== payload));
    const requests = messages.map((message) => ({ ...defaults, ...membersOf(message), node, overflow }));
    return { requests, list: Array.isArray(payload) };
  }
  return { requests: [{ ...withPayloadAsText(payload, fields), node, overflow }], list: false };
}

/** The messages in a payload that holds messages, else null. */
function messagesOf(payload: unknown): readonly Readonly<Record<string, unknown>>[] | null {
  if (isRecord(payload)) return [payload];
  return Array.isArray(payload) && payload.every(isRecord) ? payload : null;
}

function membersOf(message: Readonly<Record<string, unknown>>): Fields {
  const given: { [K in Member]?: unknown } = {};
  for (const name of members) {
    if (message[name] !== undefined && message[name] !== null) given[name] = message[name];
  }
  return given;
}

function withPayloadAsText(payload: unknown, fields: Fields): Fields {
  const isText = typeof payload === 'string' || typeof payload === 'number';
  const pointsAtPayload = (name: string, value: unknown) => name !== 'text' && value === payload && !isText;
  const taken = Object.entries(fields).some(([name, value]) => pointsAtPayload(name, value));
  const { text, ...others } = fields;
  if (text !== undefined && (text !== payload || isText)) return fields;
  // The text is to come from msg.payload, which is none: an error, unless the payload is there for another field.
  if (taken || isEmpty(payload)) return others;
  if (!isText) throw new UshotError('USHOT_PAYLOAD', { found: kindOf(payload), foundKo: kindInKorean(payload) });
  const usedElsewhere = Object.values(others).some((value) => value === payload);
  return usedElsewhere ? others : { ...others, text: payload };
}

/** The names in `carry`, separated by commas or blanks. */
export function carriedNames(carry: unknown): string[] {
  return String(carry ?? '')
    .split(/[,\s]+/)
    .map((name) => name.replace(/^msg\./, ''))
    .filter((name) => name !== '' && name !== 'payload');
}

/**
 * The named properties of the msg, as they will come back: what JSON keeps of them. `lost` names those that JSON cannot
 * hold at all (an HTTP request, say).
 */
export function collectCarried(
  reader: PropertyReader,
  names: readonly string[],
  msg: NodeMessageInFlow,
): { readonly carried: Record<string, unknown>; readonly lost: string[] } {
  const carried: Record<string, unknown> = {};
  const lost: string[] = [];
  for (const name of names) {
    try {
      const json: string | undefined = JSON.stringify(propertyOf(reader, msg, name) ?? null);
      if (json === undefined) lost.push(name);
      else if (json !== 'null') carried[name] = JSON.parse(json);
    } catch {
      lost.push(name);
    }
  }
  return { carried, lost };
}

/** Undefined also where the way to it is missing. */
function propertyOf(reader: PropertyReader, msg: NodeMessageInFlow, name: string): unknown {
  try {
    return reader.getMessageProperty(msg, name);
  } catch {
    return undefined;
  }
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return !ArrayBuffer.isView(value) && !(value instanceof Date);
}

function hasMessage(value: unknown): value is { message: string } {
  return isRecord(value) && typeof value['message'] === 'string';
}
