import { describe, expect, it } from 'vitest';
import type { Lock } from '../../../lib/plan/lock.ts';
import { createAnalysis } from '../../../lib/plan/analyze.ts';
import { httpFile, type HttpFileAttributes } from '../../../lib/rules/http-file.ts';
import { pkgTar } from '../../../lib/rules/pkg-tar.ts';
import { FilesInfo, TarInfo } from '../../../lib/rules/providers.ts';
import { EMPTY_LOCK } from '../../../lib/plan/lock.ts';
import { select } from '../../../lib/rules/select.ts';
import { declare } from '../graph/rig.ts';
import { actionOf, analysisOf, inputsOf, provided, specOf } from '../plan/rig.ts';
import { problemsWith } from './rig.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const URL_1 = 'https://example.com/dl/tool-1.2.tar.gz';

function fileOf(attributes: Omit<HttpFileAttributes, 'name'>, lock: Lock = EMPTY_LOCK, platform = 'linux/amd64') {
  const { targets } = declare(() => httpFile({ name: 't', ...attributes }));
  return provided(createAnalysis({ targets, sourceDate: undefined, lock }), 't', FilesInfo, platform).files;
}

describe('httpFile', () => {
  it('provides the file that its discovery fetches, named as the URL ends', () => {
    expect(fileOf({ urls: [URL_1], digest: DIGEST })).toEqual([
      {
        path: 't/tool-1.2.tar.gz',
        isExecutable: false,
        artifact: {
          kind: 'discovered',
          name: 'tool-1.2.tar.gz',
          label: 't',
          discovery: {
            discoverer: 'http-file',
            args: { urls: [URL_1], digest: DIGEST, name: 'tool-1.2.tar.gz', isExecutable: false },
          },
        },
      },
    ]);
    const [named] = fileOf({ urls: ['https://example.com/get?id=1'], digest: DIGEST, fileName: 'tool', executable: true });
    expect(named).toMatchObject({ path: 't/tool', isExecutable: true, artifact: { name: 'tool' } });
    expect(fileOf({ urls: ['https://example.com/a%20b.txt?x=1'], digest: DIGEST })[0]!.path).toBe('t/a b.txt');
  });

  it('takes the pin of its first URL from the lock file, and says what to do without', () => {
    const lock: Lock = { ...EMPTY_LOCK, files: { [URL_1]: { digest: DIGEST, size: 7 } } };
    expect(fileOf({ urls: [URL_1, 'https://mirror.example.com/x'] }, lock)[0]!.artifact).toMatchObject({
      discovery: { args: { digest: DIGEST, size: 7 } },
    });
    expect(() => fileOf({ urls: ['https://mirror.example.com/x', URL_1] }, lock)).toThrow('ocidsl.lock.json has no pin of it');
    expect(() => fileOf({ urls: ['https://example.com/toString'] })).toThrow('has no pin');
    const { targets } = declare(() => httpFile({ name: 't', urls: [URL_1] }));
    const { rule, attributes } = targets.get('t')!;
    expect(rule.locks!(attributes as never)).toEqual([{ kind: 'file', urls: [URL_1] }]);
    expect(rule.locks!({ ...attributes, digest: DIGEST } as never)).toEqual([]);
  });

  it('may differ by platform where digests are given', () => {
    const attributes = {
      urls: select({ 'linux/amd64': ['https://example.com/x64'], 'linux/arm64': ['https://example.com/arm64'] }),
      digest: select({ 'linux/amd64': DIGEST, 'linux/arm64': `sha256:${'b'.repeat(64)}` }),
    };
    expect(fileOf(attributes, EMPTY_LOCK, 'linux/arm64')[0]).toMatchObject({
      path: 't/arm64',
      artifact: { discovery: { args: { digest: `sha256:${'b'.repeat(64)}` } } },
    });
    expect(problemsWith(httpFile, { urls: attributes.urls })).toEqual([expect.stringContaining('select(…) without digest')]);
  });

  it('brings neither its name nor its URLs into what uses it', () => {
    const spec = (name: string, url: string) => {
      const analysis = analysisOf(() => {
        const file = httpFile({ name, urls: [url], digest: DIGEST, fileName: 'tool' });
        pkgTar({ name: 'tar', srcs: [file], files: { '/bin/tool': file } });
      });
      const description = actionOf(provided(analysis, 'tar', TarInfo).archive).describe([]);
      return { spec: specOf(description), inputs: inputsOf(description) };
    };
    expect(spec('first_file', URL_1)).toEqual(spec('two', 'https://elsewhere.example.com/y'));
    expect(JSON.stringify(spec('first_file', URL_1))).not.toContain('first_file');
  });

  it.each<[string, object, string]>([
    ['no URL', { urls: [], digest: DIGEST }, 'it is empty'],
    ['a user and password', { urls: ['https://me:canary@example.com/x'], digest: DIGEST }, 'a user name or password'],
    ['another scheme', { urls: ['file:///etc/passwd'], digest: DIGEST }, 'no https or http URL'],
    ['no URL at all', { urls: ['example.com/x'], digest: DIGEST }, 'no https or http URL'],
    ['a fragment', { urls: ['https://example.com/x#y'], digest: DIGEST }, 'a fragment'],
    ['http without a digest', { urls: [URL_1, 'http://example.com/x'] }, 'plain http, which needs a digest'],
    ['no name', { urls: ['https://example.com/'], digest: DIGEST }, 'fileName'],
    ['a name with folders', { urls: ['https://example.com/a%2fb'], digest: DIGEST }, 'fileName'],
    ['a name that climbs', { urls: [URL_1], digest: DIGEST, fileName: '..' }, 'no plain file name'],
    ['a short digest', { urls: [URL_1], digest: 'sha256:abc' }, '64 hex digits'],
    ['sha512', { urls: [URL_1], digest: `sha512:${'a'.repeat(128)}` }, '"sha256:"'],
  ])('refuses %s', (_, attributes, is) => {
    const problems = problemsWith(httpFile, attributes);
    expect(problems).toEqual([expect.stringContaining(is)]);
    expect(problems.join()).not.toContain('canary');
  });

  it('takes plain http with a digest, and from this machine', () => {
    expect(problemsWith(httpFile, { urls: ['http://example.com/x'], digest: DIGEST })).toEqual([]);
    expect(problemsWith(httpFile, { urls: ['http://127.0.0.1:8000/x'] })).toEqual([]);
  });
});
