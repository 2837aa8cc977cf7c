/**
 * Cuts the stream of a connection into frames, whatever the chunks. The end of a frame is known by LENGTH alone, since a
 * file may hold the bytes of SOH, STX and ETX; where a mark is missing there is no telling where the next frame begins,
 * so the framer fails for good and never hunts.
 *
 * A frame that came within one chunk is a view on that chunk. One that came in pieces is gathered in a buffer that
 * doubles, so that the work is linear even when every byte comes alone, and that never grows beyond the frame.
 */

import { hexByte, RemoteProtocolError } from './errors.ts';
import { header, MAX_BODY_BYTES, trailer } from './frames.ts';
import { ENVELOPE_BYTES, HEADER_BYTES, type HeaderField, headerAt } from './layout.ts';
import { readNumber, valueEnd, valueStart } from './padding.ts';

/** The header of a frame, its padding taken off, unchecked but for LENGTH. */
export interface Header {
  readonly VERSION: string;
  readonly COMMAND: string;
  /** Bytes of the body. */
  readonly LENGTH: number;
  readonly RESP_CODE: string;
  /** Raw bytes as latin1: the charset is the codec's affair. */
  readonly RESP_MESG: string;
}

export interface RawFrame {
  readonly header: Header;
  /** A view on `bytes`. */
  readonly body: Buffer;
  /** The whole frame, from SOH to ETX. */
  readonly bytes: Buffer;
}

const FIRST_BYTES = 256;
const NOTHING: Buffer = Buffer.alloc(0);

export class Framer {
  readonly #maxBodyBytes: number;
  /** The beginning of a frame that is not complete yet. */
  #pending: Buffer = NOTHING;
  #pendingBytes = 0;
  /** Bytes of the pending frame, once its header is there. */
  #frameBytes: number | undefined;
  /** Where the pending frame begins in the stream. */
  #streamOffset = 0;
  #failure: RemoteProtocolError | undefined;

  constructor({ maxBodyBytes = MAX_BODY_BYTES }: { maxBodyBytes?: number } = {}) {
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** Bytes held of a frame that is not complete. */
  get bufferedBytes(): number {
    return this.#pendingBytes;
  }

  /**
   * Takes what arrived, gives the frames that it completes.
   *
   * Throws a `RemoteProtocolError` that names offset and byte as soon as a byte cannot be right; its `frames` are those
   * that the same chunk completed before the trouble. Every later call throws the same, without them.
   */
  push(chunk: Buffer): RawFrame[] {
    if (this.#failure !== undefined) throw this.#failure;
    const frames: RawFrame[] = [];
    try {
      let at = this.#resume(chunk, frames);
      while (at < chunk.length) {
        const size = this.#measure(chunk, at, chunk.length - at);
        if (size === undefined || at + size > chunk.length) {
          this.#keep(chunk, at, chunk.length, size);
          break;
        }
        frames.push(this.#finish(chunk.subarray(at, at + size)));
        at += size;
      }
    } catch (error) {
      this.#pending = NOTHING;
      this.#pendingBytes = 0;
      if (!(error instanceof RemoteProtocolError)) throw error;
      this.#failure = error;
      throw frames.length === 0 ? error : error.after(frames);
    }
    return frames;
  }

  /** Goes on with the pending frame. Gives the offset in `chunk` behind what it took. */
  #resume(chunk: Buffer, frames: RawFrame[]): number {
    let at = 0;
    while (this.#pendingBytes > 0 && at < chunk.length) {
      const wanted = (this.#frameBytes ?? HEADER_BYTES) - this.#pendingBytes;
      const taken = Math.min(wanted, chunk.length - at);
      this.#keep(chunk, at, at + taken, this.#frameBytes);
      at += taken;
      this.#frameBytes ??= this.#measure(this.#pending, 0, this.#pendingBytes);
      if (this.#frameBytes === this.#pendingBytes) {
        const bytes = this.#pending.subarray(0, this.#pendingBytes);
        this.#pending = NOTHING;
        this.#pendingBytes = 0;
        this.#frameBytes = undefined;
        frames.push(this.#finish(bytes));
      }
    }
    return at;
  }

  #keep(chunk: Buffer, start: number, end: number, frameBytes: number | undefined): void {
    const needed = this.#pendingBytes + end - start;
    if (needed > this.#pending.length) {
      const doubled = Math.max(FIRST_BYTES, needed, this.#pending.length * 2);
      const grown = Buffer.allocUnsafeSlow(Math.min(doubled, frameBytes ?? doubled));
      this.#pending.copy(grown, 0, 0, this.#pendingBytes);
      this.#pending = grown;
    }
    chunk.copy(this.#pending, this.#pendingBytes, start, end);
    this.#pendingBytes = needed;
    this.#frameBytes = frameBytes;
  }

  /** Checks as much of a header as is there. Gives the bytes of the frame, or undefined where the header is cut. */
  #measure(bytes: Buffer, start: number, available: number): number | undefined {
    this.#expectMark(bytes, start, 0, header.SOH.byte, 'SOH');
    if (available < HEADER_BYTES) return undefined;
    const lengthAt = start + headerAt.LENGTH;
    const length = readNumber(bytes, lengthAt, lengthAt + header.LENGTH.width);
    if (length < 0) {
      const offset = -1 - length;
      throw this.#error('not-a-number', offset - start, bytes[offset], 'LENGTH', { field: 'LENGTH' });
    }
    if (length > this.#maxBodyBytes) {
      throw this.#error('too-long', headerAt.LENGTH, bytes[lengthAt], 'LENGTH', {
        field: 'LENGTH',
        bytes: length,
        limit: this.#maxBodyBytes,
      });
    }
    this.#expectMark(bytes, start, headerAt.STX, header.STX.byte, 'STX');
    return length + ENVELOPE_BYTES;
  }

  #finish(bytes: Buffer): RawFrame {
    const bodyEnd = bytes.length - trailer.ETX.width;
    this.#expectMark(bytes, 0, bodyEnd, trailer.ETX.byte, 'ETX');
    this.#streamOffset += bytes.length;
    return { header: readHeader(bytes), body: bytes.subarray(HEADER_BYTES, bodyEnd), bytes };
  }

  #expectMark(bytes: Buffer, start: number, offset: number, mark: number, field: string): void {
    const found = bytes[start + offset];
    if (found === mark) return;
    throw this.#error('mark', offset, found, field, {
      expected: `${field} (${hexByte(mark)})`,
      found: found === undefined ? '?' : hexByte(found),
    });
  }

  #error(
    problem: 'mark' | 'not-a-number' | 'too-long',
    offset: number,
    byte: number | undefined,
    field: string,
    params: Record<string, string | number>,
  ): RemoteProtocolError {
    return new RemoteProtocolError(problem, { offset, byte, field, streamOffset: this.#streamOffset + offset }, params);
  }
}

function readHeader(bytes: Buffer): Header {
  return {
    VERSION: readTrimmed(bytes, 'VERSION'),
    COMMAND: readTrimmed(bytes, 'COMMAND'),
    LENGTH: bytes.length - ENVELOPE_BYTES,
    RESP_CODE: readTrimmed(bytes, 'RESP_CODE'),
    RESP_MESG: readTrimmed(bytes, 'RESP_MESG'),
  };
}

function readTrimmed(bytes: Buffer, name: HeaderField): string {
  const start = headerAt[name];
  const end = valueEnd(bytes, start, start + header[name].width);
  return bytes.toString('latin1', valueStart(bytes, start, end), end);
}
