import { describe, expect, it } from 'vitest';
import { makeImage } from './image-fixtures.ts';

describe('value files', () => {
  const values = (name: string, content: string) =>
    makeImage(
      { envFiles: [name], labelFiles: [name], annotationFiles: [name], env: [['OWN', '<$A>']], labels: { A: 'own' } },
      { [name]: content },
    );

  it.each([
    ['f.env', '# comment\n\n  # more\nA=1\nB= x = "y" \r\nC=\nD=$A\n'],
    ['f.json', '{"A":"1","B":" x = \\"y\\" ","C":"","D":"$A"}'],
    ['f.yaml', 'A: 1\nB: \' x = "y" \'\nC:\nD: $A\n'],
    ['f.yml', '{A: "1", B: " x = \\"y\\" ", C: "", D: $A}'],
  ])('%s come before the attributes and are expanded', async (name, content) => {
    const { config, manifest } = await values(name, content);
    expect(config.config?.Env).toEqual(['A=1', 'B= x = "y" ', 'C=', 'D=1', 'OWN=<1>']);
    expect(config.config?.Labels).toEqual({ A: 'own', B: ' x = "y" ', C: '', D: '$A' });
    expect(manifest.annotations).toEqual({ A: '1', B: ' x = "y" ', C: '', D: '$A' });
  });

  it('take YAML scalars as the text that stands there', async () => {
    expect(
      (await makeImage({ labelFiles: ['f.yaml'] }, { 'f.yaml': 'a: 1.10\nb: yes\nc: 0x10\nd: ~\ne: 2024-01-01\n' })).config.config?.Labels,
    ).toEqual({
      a: '1.10',
      b: 'yes',
      c: '0x10',
      d: '~',
      e: '2024-01-01',
    });
  });

  it('may be empty', async () => {
    for (const [name, content] of [
      ['f', ''],
      ['f.json', '{}'],
      ['f.yaml', ''],
    ] as const) {
      expect((await makeImage({ labelFiles: [name] }, { [name]: content })).config.config?.Labels).toBeUndefined();
    }
  });

  it('are read in the order of the list, in files with one name after another', async () => {
    const files = { a: 'X=a\nY=a', b: 'X=b' };
    expect((await makeImage({ envFiles: ['b', 'a'] }, files)).config.config?.Env).toEqual(['X=a', 'Y=a']);
    expect((await makeImage({ envFiles: ['a', 'b'] }, files)).config.config?.Env).toEqual(['X=b', 'Y=a']);
  });

  it.each([
    ['f', 'A=1\nhunter2\n', 'line 2 has no "="'],
    ['f', '=x', 'line 1 has no name'],
    ['f', Buffer.from([0xff]), 'it is not UTF-8'],
    ['f.json', '{"A":1}', 'the value of "A" is no string'],
    ['f.json', '["A"]', 'expected an object'],
    ['f.json', '{"A":"1","A":"2"}', 'appears twice'],
    ['f.yaml', '- A\n', 'it is no map'],
    ['f.yaml', 'A: [1]\n', 'the value of "A" is no string'],
    ['f.yaml', 'A: 1\nA: 2\n', 'Map keys must be unique'],
    ['f.yaml', 'A: "x\n', 'Missing closing'],
  ])('%s with %j are refused', async (name, content, message) => {
    const failure: Error = await makeImage({ labelFiles: [name] }, { [name]: content }).then(
      () => expect.fail('no error'),
      (error: Error) => error,
    );
    expect(failure.message).toContain(message);
    expect(failure.message).not.toContain('hunter2');
  });
});
