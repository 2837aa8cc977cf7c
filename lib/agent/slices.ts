/**
 * Inputs of many messages are checked and stored in slices. While the store keeps one, the event loop turns: a list of all
 * customers must not stop every other flow meanwhile, nor need memory for all its messages twice at once.
 */
import type { Mint } from './ids.ts';
import { hasFiles, isBlank, receiversOf, type SendRequest } from './request.ts';

/** Messages of a slice at most, but for a request that cannot be divided. */
const SLICE = 500;

/** The requests in order, with `count` receivers in all: a long list as several requests of one group. */
export function* slicesOf(
  requests: readonly SendRequest[],
  count: number,
  mint: Mint,
): Generator<readonly SendRequest[], void, undefined> {
  if (count <= SLICE) {
    yield requests;
    return;
  }
  let slice: SendRequest[] = [];
  let size = 0;
  for (const request of requests) {
    for (const part of partsOf(request, mint)) {
      const more = receiversOf(part.to).length;
      if (slice.length > 0 && size + more > SLICE) {
        yield slice;
        slice = [];
        size = 0;
      }
      slice.push(part);
      size += more;
    }
  }
  if (slice.length > 0) yield slice;
}

/** Files are read once for all receivers of their request, and one id for several is an error of them all. */
function* partsOf(request: SendRequest, mint: Mint): Generator<SendRequest, void, undefined> {
  const receivers = receiversOf(request.to);
  if (receivers.length <= SLICE || hasFiles(request.files) || !isBlank(request.messageId)) {
    yield request;
    return;
  }
  const groupId = isBlank(request.groupId) ? mint() : request.groupId;
  for (let from = 0; from < receivers.length; from += SLICE) {
    yield { ...request, to: receivers.slice(from, from + SLICE), groupId };
  }
}
