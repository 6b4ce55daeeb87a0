// Settings of a command: what the command line and the environment say, read once.
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { OcidslError } from '../base/errors.ts';
import { hostPlatform, isPlatformString, parsePlatform, type Platform } from '../oci/platform.ts';
import { timestampOfSeconds } from '../oci/timestamp.ts';

/** Options that every command takes, as the parser gives them. */
export interface GlobalOptions {
  readonly root?: string;
  readonly cacheDir?: string;
  readonly outputDir?: string;
  readonly platform?: string;
  readonly jobs?: string;
  readonly keepGoing?: boolean;
  readonly failFast?: boolean;
  readonly sandbox?: string;
  readonly configLoader?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly debug?: boolean;
  readonly withBaseLayers?: boolean;
}

/** The same, checked and with defaults. */
export interface Settings {
  readonly cwd: string;
  readonly root: string | undefined;
  readonly cacheDirectory: string;
  /** Relative to the workspace root, or absolute. */
  readonly outputDirectory: string;
  readonly platform: Platform;
  /** Whether --platform was given. */
  readonly isPlatformGiven: boolean;
  readonly jobs: number | undefined;
  readonly keepGoing: boolean;
  readonly failFast: boolean;
  readonly sandbox: 'prefer' | 'require' | 'off';
  readonly configLoader: 'bundle' | 'tsx';
  readonly quiet: boolean;
  readonly json: boolean;
  readonly debug: boolean;
  /** Whether layouts get the layers of bases that are in a registry. */
  readonly withBaseLayers: boolean;
  readonly sourceDate: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** @throws OCIDSL_USAGE for a value that is not accepted */
export function readSettings(options: GlobalOptions, environment: Readonly<Record<string, string | undefined>>, cwd: string): Settings {
  return {
    cwd,
    root: options.root === undefined ? undefined : resolve(cwd, options.root),
    cacheDirectory: cacheDirectory(options.cacheDir, environment, cwd),
    outputDirectory: options.outputDir === undefined ? 'ocidsl-out' : resolve(cwd, options.outputDir),
    platform: options.platform === undefined ? hostPlatform(process.arch) : readPlatform(options.platform),
    isPlatformGiven: options.platform !== undefined,
    jobs: options.jobs === undefined ? undefined : readJobs(options.jobs),
    keepGoing: options.keepGoing ?? false,
    failFast: options.failFast ?? false,
    sandbox: oneOf('--sandbox', options.sandbox ?? environment['OCIDSL_SANDBOX'] ?? 'prefer', ['prefer', 'require', 'off']),
    configLoader: oneOf('--config-loader', options.configLoader ?? 'bundle', ['bundle', 'tsx']),
    quiet: options.quiet ?? false,
    json: options.json ?? false,
    debug: options.debug ?? false,
    withBaseLayers: options.withBaseLayers ?? false,
    sourceDate: readSourceDate(environment['SOURCE_DATE_EPOCH']),
    environment,
  };
}

function cacheDirectory(option: string | undefined, environment: Readonly<Record<string, string | undefined>>, cwd: string): string {
  if (option !== undefined) return resolve(cwd, option);
  const own = environment['OCIDSL_CACHE_DIR'];
  if (own !== undefined && own !== '') return resolve(cwd, own);
  const xdg = environment['XDG_CACHE_HOME'];
  // The XDG specification: a relative path is invalid and is ignored.
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(environment['HOME'] || homedir(), '.cache'), 'ocidsl');
}

function readPlatform(text: string): Platform {
  if (!isPlatformString(text)) throw usage(`Cannot use --platform "${text}": it is not a known platform, expected one such as linux/arm64`);
  return parsePlatform(text);
}

function readJobs(text: string): number {
  const jobs = Number(text);
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > 1024)
    throw usage(`Cannot use --jobs "${text}": expected a whole number from 1 to 1024`);
  return jobs;
}

const END_OF_9999 = 253_402_300_799;

function readSourceDate(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,12}$/.test(text) || Number(text) > END_OF_9999)
    throw usage(`Cannot use SOURCE_DATE_EPOCH "${text.slice(0, 40)}": expected whole seconds since 1970`);
  return timestampOfSeconds(Number(text));
}

function oneOf<const T extends string>(what: string, text: string, words: readonly T[]): T {
  const found = words.find((word) => word === text);
  if (found === undefined) throw usage(`Cannot use ${what} "${text}": expected ${words.join(', ')}`);
  return found;
}

/** A wrong use of the command line. */
export function usage(message: string, hint?: string): OcidslError {
  return new OcidslError({ code: 'OCIDSL_USAGE', message, hint });
}
