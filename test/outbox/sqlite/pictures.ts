/** The pictures of the messages that child.ts sends: whoever knows an id knows what must be there for it. */
import { createHash } from 'node:crypto';
import type { FileRef } from '../../../lib/outbox/outbox.ts';

/** Names of pictures, each once. Some belong to one message, some to several that follow, some come again and again. */
export function pictureNames(messageIds: readonly string[]): string[] {
  return [...new Set(messageIds.flatMap(namesOf))];
}

function namesOf(messageId: string): string[] {
  const number = Number(messageId.split('.').at(-1));
  const names = [`of ${messageId.slice(0, -1)}`];
  if (number % 3 === 0) names.push(`of ${messageId} alone`);
  if (number % 4 === 0) names.push(`again ${Math.floor(number / 10) % 5}`);
  return names;
}

/** One that is put shortly before a message and is not of it. */
export const nobodysPicture = (messageId: string): string => `of nobody, before ${messageId}`;

const made = new Map<string, Buffer>();

/** From a few hundred bytes to 20 kB, all different. */
export function pictureOf(name: string): Buffer {
  let picture = made.get(name);
  if (picture === undefined) {
    const [first = 0, second = 0] = createHash('sha256').update(name).digest();
    const outputLength = 300 + Math.floor(((first * 256 + second) / 65_536) * 19_700);
    picture = createHash('shake256', { outputLength }).update(name).digest();
    made.set(name, picture);
  }
  return picture;
}

export const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export function filesOf(messageId: string): (FileRef & { kind: 'attachment' })[] {
  return namesOf(messageId).map((name) => {
    const picture = pictureOf(name);
    return { kind: 'attachment', hash: hashOf(picture), ext: 'jpg', bytes: picture.length };
  });
}
