/** The TypeScript types of all frames, derived from the table. Nothing here names a field of a body. */

import type { frames } from './frames.ts';

type Table = typeof frames;

export type Command = keyof Table;

type Flat<T> = { [K in keyof T]: T[K] } & {};

/** Names of the fields that hold values: counts and lengths are worked out by the codec. */
type Valued<F> = { [K in keyof F]: F[K] extends { kind: 'count' | 'length' } ? never : K }[keyof F];

type Required<F> = { [K in Valued<F>]: F[K] extends { required: true } ? K : never }[Valued<F>];

type Value<F> = F extends { kind: 'file' } ? Buffer : string;

type Values<F> = { -readonly [K in Valued<F>]: Value<F[K]> };

type InputValues<F> = { readonly [K in Required<F>]: Value<F[K]> } & {
  readonly [K in Exclude<Valued<F>, Required<F>>]?: Value<F[K]> | undefined;
};

type Optional<T> = { [K in keyof T]?: T[K] | undefined };

/**
 * The body of a frame as it is decoded: each field a string without its padding ('' where it is blank, also for a
 * USERCODE that the session leaves out), a FILE a Buffer. A 1011 may lack fields that its bytes do not reach.
 */
export type Body<C extends Command> = Table[C] extends { records: infer R; fields: infer F }
  ? Flat<Values<F> & { records: Flat<Values<R>>[] }>
  : Table[C] extends { shortBytes: number; fields: infer F }
    ? Flat<Optional<Values<F>>>
    : Table[C] extends { fields: infer F }
      ? Flat<Values<F>>
      : never;

/** What the encoder takes: the fields that the manual does not require may be left out, which means padding. */
export type BodyInput<C extends Command> = Table[C] extends { records: infer R; fields: infer F }
  ? Flat<InputValues<F> & { readonly records: readonly Flat<InputValues<R>>[] }>
  : Table[C] extends { shortBytes: number; fields: infer F }
    ? Flat<Readonly<Optional<Values<F>>>>
    : Table[C] extends { fields: infer F }
      ? Flat<InputValues<F>>
      : never;

/** One record of a body that has records. */
export type BodyRecord<C extends Command> = Body<C> extends { records: (infer R)[] } ? R : never;
export type BodyRecordInput<C extends Command> = BodyInput<C> extends { records: readonly (infer R)[] } ? R : never;

/**
 * A decoded frame; `COMMAND` tells which. `body` is null where LENGTH is 0 or blank: a refusal, a SAM10 poll, an answer
 * to a keep-alive.
 *
 * Strings of a large frame share its memory: whoever keeps one for longer than a turn copies it (a store does by
 * writing it, `structuredClone` and a message to a worker do too). A FILE is a view on the bytes received.
 */
export type FrameOf<C extends Command> = {
  readonly COMMAND: C;
  /** As it stood there; not necessarily one that we know. */
  readonly VERSION: string;
  readonly RESP_CODE: string;
  readonly RESP_MESG: string;
  readonly body: Body<C> | null;
};

export type Frame = { [C in Command]: FrameOf<C> }[Command];
