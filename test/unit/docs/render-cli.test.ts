import { Command } from 'commander';
import { expect, it } from 'vitest';
import { renderCli } from '../../../scripts/reference/render-cli.ts';

it('renderCli() shows each command with its own options, and once those that all share', () => {
  const program = new Command('box').description('Packs boxes.');
  program.command('pack <things...>').description('pack things').option('--json', 'as JSON').option('--lid <a|b>', 'which lid');
  program.command('send').description('send the box').option('--json', 'as JSON');
  program.command('secret', { hidden: true }).option('--json', 'as JSON');
  expect(renderCli(program, 'Introduction.')).toBe(`# Command line

Introduction.

Packs boxes.

- [pack](#pack): pack things
- [send](#send): send the box

## pack

pack things.

\`\`\`
box pack [options] <things...>
\`\`\`

| option | |
| --- | --- |
| \`--lid <a\\|b>\` | which lid |

## send

send the box.

\`\`\`
box send [options]
\`\`\`

## Options of every command

| option | |
| --- | --- |
| \`--json\` | as JSON |
`);
});
