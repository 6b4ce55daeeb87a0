// Where a rule or macro was called. A site is captured at the call and only turned into text when something needs it:
// formatting a stack costs more than the rest of a rule call.
import type { SourceLocation } from '../base/errors.ts';

/** A captured stack, not formatted yet. */
export interface CallSite {
  readonly stack?: string;
}

/** One frame of a stack, as the engine of JavaScript reports it. */
export interface RawFrame {
  /** Path or URL of the script, as in the stack. */
  readonly script: string;
  readonly line: number;
  readonly column: number;
}

/** Maps a frame of a loaded config to the user's source; undefined for frames of Node and of this library. */
export type FrameLocator = (frame: RawFrame) => SourceLocation | undefined;

/** Captures the stack of the caller, without the function `below` and what it called. */
export function captureCallSite(below: (...args: never[]) => unknown): CallSite {
  const site: { stack?: string } = {};
  Error.captureStackTrace(site, below);
  return site;
}

// A path may hold parentheses; `), ` ends the place of an eval().
const FRAME = /^\s*at (?:async )?(?:.*?\()?((?:file:\/\/|\/|[A-Za-z]:[\\/]|ocidsl-config:)(?:(?!\), ).)*?):(\d+):(\d+)\)?$/;

/** The frames of a stack, innermost first; lines without a script position are left out. */
export function parseFrames(stack: string): RawFrame[] {
  const frames: RawFrame[] = [];
  for (const line of stack.split('\n')) {
    const match = FRAME.exec(line);
    if (match) frames.push({ script: match[1]!, line: Number(match[2]), column: Number(match[3]) });
  }
  return frames;
}

/** The user's positions in a captured stack, innermost first. */
export function locateCallSite(site: CallSite, locate: FrameLocator): SourceLocation[] {
  const locations: SourceLocation[] = [];
  for (const frame of parseFrames(site.stack ?? '')) {
    const location = locate(frame);
    const last = locations[locations.length - 1];
    if (location && !(last && last.file === location.file && last.line === location.line)) locations.push(location);
  }
  return locations;
}
