import { describe, expect, test } from 'vitest';
import { goHostPlatform, goToolchainModuleVersion } from '../../../lib/go/go-toolchain.ts';
import { goVersionProblem, wantedGoVersion } from '../../../lib/go/go-version.ts';
import { readModFile } from '../../../lib/go/mod-file.ts';

describe('goVersionProblem', () => {
  test.each(['1.26.8', '1.21.0', '1.27rc1', '1.28beta2'])('%s is a release', (version) => {
    expect(goVersionProblem(version)).toBeUndefined();
  });

  test.each([
    ['go1.26.8', 'write it without "go": 1.26.8'],
    ['1.26', 'it is a version of the language, and its first release is 1.26.0'],
    ['1.20.3', 'it is older than 1.21'],
    ['1.20rc1', 'it is older than 1.21'],
    ['latest', 'it has another form'],
    ['1.26.8-custom', 'it has another form'],
    ['1.26.8/../..', 'it has another form'],
    ['', 'it has another form'],
  ])('%j is none', (version, problem) => {
    expect(goVersionProblem(version)).toBe(problem);
  });
});

describe('wantedGoVersion', () => {
  test.each([
    ['go 1.24.3', '1.24.3'],
    ['go 1.24', '1.24.0'],
    ['go 1.24\n\ntoolchain go1.26.8', '1.26.8'],
    ['go 1.24\ntoolchain default', undefined],
    ['go 1.17', undefined],
    ['', undefined],
  ])('of %j is %s', (lines, version) => {
    expect(wantedGoVersion(readModFile(`module example.com/m\n\n${lines}\n`))).toBe(version);
  });
});

test('platforms have the names of Go', () => {
  expect(goHostPlatform('linux', 'x64')).toBe('linux/amd64');
  expect(goHostPlatform('darwin', 'arm64')).toBe('darwin/arm64');
  expect(goHostPlatform('win32', 'ia32')).toBe('windows/386');
  expect(goToolchainModuleVersion('1.26.8', 'linux/amd64')).toBe('v0.0.1-go1.26.8.linux-amd64');
});
