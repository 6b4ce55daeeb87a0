// Settings of the go command that say where things come from, read without a Go: from the environment, else from the file that
// `go env -w` writes. https://pkg.go.dev/cmd/go#hdr-Environment_variables
import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULTS = { GOPROXY: 'https://proxy.golang.org,direct', GOSUMDB: 'sum.golang.org' } as const;

/** The value of a setting as the go command would see it. */
export function goSetting(name: keyof typeof DEFAULTS, environment: Environment): string {
  return environment[name] || savedSetting(name, environment) || DEFAULTS[name];
}

function savedSetting(name: string, environment: Environment): string | undefined {
  const file = settingsFile(environment);
  if (file === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined; // Most users have none, and the go command does not mind either.
  }
  const line = text.split('\n').find((each) => each.startsWith(`${name}=`));
  return line?.slice(name.length + 1).trimEnd();
}

function settingsFile(environment: Environment): string | undefined {
  const { GOENV, XDG_CONFIG_HOME, HOME, AppData } = environment;
  if (GOENV === 'off') return undefined;
  if (GOENV) return GOENV;
  if (process.platform === 'win32') return AppData ? join(AppData, 'go', 'env') : undefined;
  if (process.platform === 'darwin') return HOME ? join(HOME, 'Library/Application Support/go/env') : undefined;
  if (XDG_CONFIG_HOME && isAbsolute(XDG_CONFIG_HOME)) return join(XDG_CONFIG_HOME, 'go/env');
  return HOME ? join(HOME, '.config/go/env') : undefined;
}
