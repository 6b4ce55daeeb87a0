import { describe, expect, it } from 'vitest';
import { checkEntrypoint, type EntrypointCheck } from '../../../lib/oci/entrypoint-check.ts';
import type { LayerExecutable } from '../../../lib/oci/layer-description.ts';
import type { Platform } from '../../../lib/oci/platform.ts';
import type { RunParameters } from '../../../lib/oci/run-parameters.ts';

const MAC: LayerExecutable = { os: 'darwin', architecture: 'arm64', format: 'mach-o' };
const ELF: LayerExecutable = { os: 'linux', architecture: 'amd64', format: 'elf' };
const AMD64: Platform = { os: 'linux', architecture: 'amd64' };

type Layer = EntrypointCheck['layers'][number];
const layer = (executables: Layer['executables'], links: Layer['links'] = {}): Layer => ({ executables, links });
const check =
  (run: RunParameters, layers: readonly Layer[], platform = AMD64) =>
  () =>
    checkEntrypoint({ run, layers, platform });
const WRONG = expect.objectContaining({ code: 'OCIDSL_ENTRYPOINT_PLATFORM' }) as Error;

describe('checkEntrypoint()', () => {
  it('names both platforms, the program and the way out', () => {
    expect(check({ Entrypoint: ['/hello_bin'] }, [layer({ hello_bin: MAC })])).toThrowError(
      expect.objectContaining({
        code: 'OCIDSL_ENTRYPOINT_PLATFORM',
        kind: 'config',
        message:
          'Cannot use entrypoint "/hello_bin": the program /hello_bin is for darwin/arm64, expected one for the image\'s platform linux/amd64',
        hint: expect.stringContaining('Build the program for linux/amd64') as string,
      }) as Error,
    );
  });

  // Each row finds the Mac's program: if the search failed, nothing would be thrown.
  it.each<[string, RunParameters, Layer[]]>([
    ['an absolute path', { Entrypoint: ['/app/x', '--flag'] }, [layer({ 'app/x': MAC })]],
    ['the command where there is no entrypoint', { Cmd: ['/app/x'] }, [layer({ 'app/x': MAC })]],
    ['the command where the entrypoint is empty', { Entrypoint: [], Cmd: ['/app/x'] }, [layer({ 'app/x': MAC })]],
    ['a path relative to the working directory', { Entrypoint: ['./bin/x'], WorkingDir: '/app' }, [layer({ 'app/bin/x': MAC })]],
    ['a path with ..', { Entrypoint: ['/app/../x'] }, [layer({ x: MAC })]],
    ['a bare name through the default PATH', { Entrypoint: ['x'] }, [layer({ 'usr/bin/x': MAC })]],
    ['a bare name through PATH', { Entrypoint: ['x'], Env: ['PATH=/opt:/app'] }, [layer({ 'app/x': MAC })]],
    ['the first of several in PATH', { Entrypoint: ['x'], Env: ['PATH=/a:/b'] }, [layer({ 'a/x': MAC, 'b/x': ELF })]],
    ['a relative folder of PATH', { Entrypoint: ['x'], Env: ['PATH=bin'], WorkingDir: '/app' }, [layer({ 'app/bin/x': MAC })]],
    ['a symbolic link', { Entrypoint: ['/x'] }, [layer({ 'app/y': MAC }, { x: 'app/y' })]],
    ['a link that climbs', { Entrypoint: ['/bin/x'] }, [layer({ 'app/y': MAC }, { 'bin/x': '../app/y' })]],
    ['an absolute link', { Entrypoint: ['/bin/x'] }, [layer({ 'app/y': MAC }, { 'bin/x': '/app/y' })]],
    ['a link in place of a folder', { Entrypoint: ['/bin/x'] }, [layer({ 'usr/bin/x': MAC }, { bin: 'usr/bin' })]],
    ['a link of a lower layer', { Entrypoint: ['/bin/x'] }, [layer({}, { bin: 'usr/bin' }), layer({ 'usr/bin/x': MAC })]],
    ['a hard link, which is named from the root', { Entrypoint: ['/bin/x'] }, [layer({ 'app/y': MAC }, { 'bin/x': 'app/y' })]],
    ['the upper layer over the lower', { Entrypoint: ['/x'] }, [layer({ x: ELF }), layer({ x: MAC })]],
    ['a program over a link of a lower layer', { Entrypoint: ['/x'] }, [layer({ y: ELF }, { x: 'y' }), layer({ x: MAC })]],
    ['a link over a program of a lower layer', { Entrypoint: ['/x'] }, [layer({ x: ELF }), layer({ y: MAC }, { x: 'y' })]],
  ])('finds %s', (_, run, layers) => {
    expect(check(run, layers)).toThrowError(WRONG);
  });

  it.each<[string, RunParameters, Layer[]]>([
    ['a program that no layer has', { Entrypoint: ['/x'] }, [layer({ y: MAC })]],
    ['a script', { Entrypoint: ['/x'] }, [layer({})]],
    ['no layers', { Entrypoint: ['/x'] }, []],
    ['nothing to start', {}, [layer({ x: MAC })]],
    ['a loop of links', { Entrypoint: ['/x'] }, [layer({}, { x: 'y', y: 'x' })]],
    ['a link that grows', { Entrypoint: ['/x'] }, [layer({}, { x: 'x/x' })]],
    ['a dangling link', { Entrypoint: ['/x'] }, [layer({}, { x: 'gone' })]],
    ['a special name', { Entrypoint: ['/__proto__'] }, [layer({})]],
    ['the right program', { Entrypoint: ['/x'] }, [layer({ x: ELF })]],
  ])('does nothing for %s', (_, run, layers) => {
    expect(check(run, layers)).not.toThrow();
  });

  it.each<[string, LayerExecutable, Platform, boolean]>([
    ['another architecture', { ...ELF, architecture: 'arm64' }, AMD64, false],
    ['another system', MAC, { os: 'linux', architecture: 'arm64' }, false],
    ['a variant', ELF, { ...AMD64, variant: 'v3' }, true],
    ['386 on amd64', { ...ELF, architecture: '386' }, AMD64, true],
    ['arm on arm64', { ...ELF, architecture: 'arm' }, { os: 'linux', architecture: 'arm64' }, false],
    ['an unknown machine', { ...ELF, architecture: 'unknown' }, AMD64, true],
    ['a universal Mach-O', { ...MAC, architecture: 'universal' }, { os: 'darwin', architecture: 'arm64' }, true],
    ['a universal Mach-O on Linux', { ...MAC, architecture: 'universal' }, AMD64, false],
    ['FreeBSD on Linux', { ...ELF, os: 'freebsd' }, AMD64, false],
    ['an ELF without a system on OpenBSD', ELF, { os: 'openbsd', architecture: 'amd64' }, true],
    ['an ELF on Windows', ELF, { os: 'windows', architecture: 'amd64' }, false],
    ['a PE on Linux', { os: 'windows', architecture: 'amd64', format: 'pe' }, AMD64, false],
  ])('compares %s', (_, program, platform, isRight) => {
    const run = check({ Entrypoint: ['/x'] }, [layer({ x: program })], platform);
    if (isRight) expect(run).not.toThrow();
    else expect(run).toThrowError(WRONG);
  });

  it('reads paths of Windows', () => {
    const windows = { os: 'windows', architecture: 'amd64' };
    const files = layer({ 'Files/app/x.exe': ELF });
    expect(check({ Entrypoint: ['C:\\app\\x.exe'] }, [files], windows)).toThrowError(WRONG);
    expect(check({ Entrypoint: ['x'], Env: ['Path=C:\\y;C:\\app'] }, [files], windows)).toThrowError(WRONG);
    expect(check({ Entrypoint: ['x.exe'], WorkingDir: 'C:\\app' }, [layer({ 'Files/Windows/System32/x.exe': ELF })], windows)).toThrowError(
      WRONG,
    );
  });
});
