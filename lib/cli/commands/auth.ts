// `ocidsl auth setup REGISTRY` and `ocidsl auth explain REFERENCE`: where credentials come from. No secret is ever printed, nor its length.
import { OcidslError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { dockerConfigFile } from '../../registry/auth-file-locations.ts';
import { serverUrlOf } from '../../registry/auth-file.ts';
import { isHelperName } from '../../registry/credential-helper.ts';
import type { CredentialStep } from '../../registry/credentials.ts';
import { GH_HELPER } from '../../registry/gh-credential.ts';
import { editCredHelper } from '../auth-config-edit.ts';
import { readConfigFile, replaceConfigFile } from '../auth-config-file.ts';
import { checkHelper, isHelperOnPath } from '../auth-helper-check.ts';
import { parseAuthSubject, parseRegistryHost } from '../auth-registry.ts';
import { createNetwork } from '../network.ts';
import { usage, type Settings } from '../settings.ts';
import type { Terminal } from '../terminal.ts';

/** Options of `auth setup`. */
export interface AuthSetupOptions {
  readonly helper?: string;
  readonly remove?: boolean;
}

/** Prints which file, key and helper give the credentials for a reference, and why the other places do not. */
export async function authExplain(text: string, settings: Settings, terminal: Terminal): Promise<void> {
  const subject = parseAuthSubject(text);
  const network = createNetwork(settings.environment, terminal.reporter.emit);
  const client = await network.registry();
  const { source, steps } = await client.explainCredentials(subject);
  await network.close();
  terminal.reporter.close();
  if (settings.json) {
    terminal.print(`${JSON.stringify({ ...subject, anonymous: source === undefined, source, steps }, undefined, 2)}\n`);
    return;
  }
  const width = Math.max(...steps.map(({ origin }) => origin.length));
  const lines = steps.map((step, i) => `${i + 1}. ${step.origin.padEnd(width)}  ${describe(step)}\n`);
  const conclusion = source === undefined ? 'none: access is anonymous' : source;
  const name = subject.repository === '' ? subject.registry : `${subject.registry}/${subject.repository}`;
  terminal.print(`${lines.join('')}credentials of ${name}: ${conclusion}\n`);
}

function describe({ outcome, hint }: CredentialStep): string {
  return hint === undefined ? outcome : `${outcome} (${hint})`;
}

/** Sets or removes the credential helper of a registry in the docker config. */
export async function authSetup(text: string, options: AuthSetupOptions, settings: Settings, terminal: Terminal): Promise<void> {
  const registry = parseRegistryHost(text);
  const helper = readHelper(options);
  const { environment } = settings;
  const file = dockerConfigFile(environment);
  if (file === undefined) throw usage('Cannot find the docker config: neither DOCKER_CONFIG nor HOME is set');
  // One that cannot be started breaks docker for this registry. Ours is part of this program, wherever npm has put its command.
  const isOnPath = helper === undefined || isHelperOnPath(helper, environment);
  if (helper !== undefined && !isOnPath && helper !== GH_HELPER) throw missingHelper(helper);

  const key = serverUrlOf('docker', registry); // docker reads exactly this key
  const config = await readConfigFile(file);
  const before = config.text ?? '';
  const { text: after, previous } = editCredHelper(before, key, helper, file);
  const backup =
    after === before
      ? undefined
      : await replaceConfigFile(config, after, (written) => editCredHelper(written, key, helper, file).text === written);
  const check = helper === undefined ? undefined : await checkHelper(helper, registry, environment, terminal.reporter.emit);
  terminal.reporter.close();
  if (settings.json) {
    const row = { file, key: `credHelpers["${key}"]`, helper, previous, changed: after !== before, backup, check };
    terminal.print(`${JSON.stringify(row, undefined, 2)}\n`);
  } else {
    terminal.print(`${whatWasDone(file, key, helper, previous)}\n`);
    if (backup !== undefined) terminal.print(`the file as it was: ${backup}\n`);
    if (check !== undefined) terminal.print(`${check.outcome}\n`);
  }
  if (settings.quiet || after === before) return;
  if (helper === GH_HELPER) {
    terminal.note('gh needs the scope for pushes: gh auth refresh --scopes write:packages');
    if (!isOnPath)
      terminal.note(
        `docker-credential-${helper} is not on PATH, so only ocidsl finds it; for docker and podman: npm install --global ocidsl`,
      );
  }
  if (helper !== undefined) terminal.note(`To undo this: ocidsl auth setup ${text} --remove`);
}

function readHelper({ helper, remove }: AuthSetupOptions): string | undefined {
  if (remove === true && helper !== undefined) throw usage('Cannot both set and remove a helper: expected --helper or --remove');
  if (remove === true) return undefined;
  if (helper === undefined)
    throw usage('Cannot set up credentials: no helper is named, expected --helper NAME, such as ocidsl-gh, or --remove');
  const name = helper.replace(/^docker-credential-/, '');
  if (!isHelperName(name))
    throw usage(`Cannot use the helper "${printable(helper, 60)}": expected NAME of a program docker-credential-NAME`);
  return name;
}

function whatWasDone(file: string, key: string, helper: string | undefined, previous: string | undefined): string {
  const entry = `credHelpers["${key}"]`;
  const old = previous === undefined ? undefined : printable(previous, 60);
  if (helper === previous) return old === undefined ? `${file} has no ${entry}` : `${file} has ${entry} = "${old}" already`;
  if (helper === undefined) return `${file}: ${entry} = "${old}" removed`;
  return `${file}: ${entry} = "${helper}"${old === undefined ? '' : ` instead of "${old}"`}`;
}

function missingHelper(helper: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_CREDENTIAL_HELPER_MISSING',
    kind: 'credentials',
    message: `Cannot set the helper "${helper}": there is no docker-credential-${helper} on PATH`,
    hint: 'Install it first; nothing was changed',
  });
}
