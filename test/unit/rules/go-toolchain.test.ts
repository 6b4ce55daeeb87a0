import { describe, expect, test } from 'vitest';
import { EMPTY_LOCK, type Lock, type LockRequest } from '../../../lib/plan/lock.ts';
import { createAnalysis } from '../../../lib/plan/analyze.ts';
import { goBinary } from '../../../lib/rules/go-binary.ts';
import { goToolchain, type GoToolchainAttributes } from '../../../lib/rules/go-toolchain.ts';
import { BinaryInfo, GoToolchainInfo } from '../../../lib/rules/providers.ts';
import { declare, declareIn, problemsOf } from '../graph/rig.ts';
import { actionOf, analysisOf, found, provided, specOf } from '../plan/rig.ts';
import { problemsWith } from './rig.ts';

const PIN = { 'linux/amd64': { h1: `h1:${'A'.repeat(43)}=` } };
const LOCK: Lock = { ...EMPTY_LOCK, goToolchains: { '1.26.8': PIN } };
const URLS = { 'linux/arm64': ['https://x.example/go1.26.8.linux-arm64.tar.gz'] };

const requestsOf = (attributes: Omit<GoToolchainAttributes, 'name'>): readonly LockRequest[] => {
  const { targets } = declare(() => goToolchain({ name: 'go', ...attributes }));
  const { rule, attributes: values } = targets.get('go')!;
  return rule.locks!(values as never) as readonly LockRequest[];
};

describe('goToolchain', () => {
  test('provides its version, its pins and its URLs', () => {
    const { targets } = declare(() => {
      goToolchain({ name: 'go', version: '1.26.8', urls: URLS });
    });
    const info = (lock: Lock) => provided(createAnalysis({ targets, sourceDate: undefined, lock }), 'go', GoToolchainInfo);
    expect(info(LOCK)).toEqual({ version: '1.26.8', urls: URLS, archives: PIN });
    expect(info(EMPTY_LOCK)).toEqual({ version: '1.26.8', urls: URLS, archives: {} });
  });

  test('wants a pin of its version, and of its URLs', () => {
    expect(requestsOf({ version: '1.26.8' })).toEqual([{ kind: 'go-toolchain', version: '1.26.8' }]);
    expect(requestsOf({ version: '1.26.8', urls: URLS })).toEqual([{ kind: 'go-toolchain', version: '1.26.8', urls: URLS }]);
  });

  test('of the root package is what goBinary is compiled with: its version counts, not where it comes from', () => {
    const binaryOf = (attributes: Omit<GoToolchainAttributes, 'name'> | undefined) => {
      const analysis = analysisOf(() => {
        if (attributes !== undefined) goToolchain({ name: 'go', ...attributes });
        goBinary({ name: 'b', package: './cmd' });
      });
      return actionOf(provided(analysis, 'b', BinaryInfo).executable);
    };
    const facts = { importPath: 'example.com/m/cmd', goVersion: 'go1.26.8', modules: [], fingerprints: {}, local: {} };
    const declared = binaryOf({ version: '1.26.8', urls: URLS });
    const installed = binaryOf(undefined);
    expect(declared.discoveries[0]?.args['toolchain']).toEqual({ version: '1.26.8', urls: URLS, archives: {} });
    expect(installed.discoveries[0]?.args).not.toHaveProperty('toolchain');
    expect(specOf(declared.describe([found({}, facts)]), 'go-build.json')).toEqual(
      specOf(installed.describe([found({}, facts)]), 'go-build.json'),
    );
  });

  test('is refused outside of the root package, where nobody would look for it', () => {
    const { problems } = declareIn('apps/x', () => goToolchain({ name: 'go', version: '1.26.8' }));
    expect(problems.map(({ error }) => error.message).join('\n')).toContain(
      'in the package "apps/x", expected goToolchain(…) in the config of the root folder',
    );
    expect(problemsOf(() => goToolchain({ name: 'go', version: '1.26.8' }))).toEqual([]);
  });

  test.each([
    [{}, 'version'],
    [{ version: '1.26' }, 'its first release is 1.26.0'],
    [{ version: 'latest' }, 'another form'],
    [{ version: '1.26.8', urls: { 'linux-amd64': ['https://x.example/a'] } }, 'no platform such as'],
    [{ version: '1.26.8', urls: { 'linux/amd64': [] } }, 'one or more URLs'],
    [{ version: '1.26.8', urls: { 'linux/amd64': ['x.example/a'] } }, 'an http or https URL'],
  ])('%j is a mistake', (attributes, says) => {
    expect(problemsWith(goToolchain as never, attributes).join('\n')).toContain(says);
  });
});
