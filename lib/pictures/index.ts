/**
 * Attachments of an MMS: what a file is by its content, pictures made to fit what the carriers take, and files read from
 * paths that a flow names. Imports nothing of this project but the errors.
 */

export { type AttachmentPlace, readAttachment } from './attachment.ts';
export { type FitNote, type FitOptions, type Fitted, fitFile, MAX_INPUT_BYTES } from './fit.ts';
export { carrierFormats, type LimitName } from './limits.ts';
export { type FileKind, type Sniffed, sniff } from './sniff.ts';
