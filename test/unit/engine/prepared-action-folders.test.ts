// An output folder and an output file of one name are different outcomes, and so are their keys.
import { expect, test } from 'vitest';
import { FileIndex } from '../../../lib/engine/file-index.ts';
import { PreparedAction } from '../../../lib/engine/prepared-action.ts';
import type { ActionNode } from '../../../lib/plan/action-node.ts';

const keyOf = async (output: string): Promise<string> => {
  const description = { kind: 'command', argv: ['make'], environment: {}, inputs: [] } as const;
  const node: ActionNode = {
    label: 'x',
    platform: 'linux/amd64',
    mnemonic: 'Command',
    message: '',
    outputs: [output],
    discoveries: [],
    describe: () => description,
  };
  return (await new PreparedAction(node, description, [], new FileIndex('/')).key()).hash;
};

test('the key of an action with the output "out/" is another than with "out"', async () => {
  expect(await keyOf('out/')).not.toBe(await keyOf('out'));
});
