/**
 * Bytes and values of the UShot protocol. Pure: no socket, timer, clock or file. Everything that other rooms use of it
 * stands here; the browser takes text-meter.ts alone.
 */

export type { Body, BodyInput, BodyRecord, BodyRecordInput, Command, Frame, FrameOf } from './bodies.ts';
export { type Charset, type CharsetName, charset, normalizeText } from './charset.ts';
export { Codec } from './codec.ts';
export { formatKst, isKst, isoKst, kstToIso, parseKst } from './dates.ts';
export { hexByte, type LocalProblem, LocalProtocolError, type RemoteProblem, RemoteProtocolError } from './errors.ts';
export { Framer, type Header, type RawFrame } from './framer.ts';
export { type FrameSpec, frames, header, MAX_BODY_BYTES, trailer, type Version } from './frames.ts';
export { defaultWire, ENVELOPE_BYTES, HEADER_BYTES, headerAt, layFrame, type WireSettings } from './layout.ts';
export {
  effectiveTerms,
  type LoginTerms,
  MOST_FIXED_BYTES,
  MOST_PER_REQUEST,
  MOST_VARIABLE_BYTES,
  readLogin,
  type TermSettings,
  type Terms,
} from './login.ts';
export { type Describable, describeFrame, maskNumber } from './redact.ts';
export { RESP_OK, type RespAction, respAction, respCodes } from './respcodes.ts';
export { describeResult, type Result, type ResultCategory, type ResultCode, resultOf, results } from './results.ts';
export {
  type Measure,
  type MeterLimits,
  measure,
  packWidths,
  type Unencodable,
  unpackWidths,
  type Width,
} from './text-meter.ts';
