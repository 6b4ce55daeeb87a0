// Writes the commands of the command line as Markdown, from the same definitions that print --help.
import type { Command, Option } from 'commander';

/** One page: the options that every command takes, then each command with its own. */
export function renderCli(program: Command, introduction: string): string {
  const commands = visibleCommands(program);
  const [first, ...others] = commands.map((command) => command.options.map((option) => option.flags));
  const shared = new Set((first ?? []).filter((flags) => others.every((each) => each.includes(flags))));
  const sharedOptions = commands[0]?.options.filter(({ flags }) => shared.has(flags)) ?? [];
  const blocks = [
    '# Command line',
    introduction,
    program.description(),
    commands.map((command) => `- [${command.name()}](#${command.name()}): ${command.description()}`).join('\n'),
    ...commands.flatMap((command) => renderCommand(command, program.name(), shared)),
    '## Options of every command',
    optionTable(program, sharedOptions),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function renderCommand(command: Command, parent: string, shared: ReadonlySet<string>): string[] {
  const help = command.createHelp();
  const path = `${parent} ${command.name()}`;
  const own = command.options.filter(({ flags, hidden }) => !hidden && !shared.has(flags));
  const args = help.visibleArguments(command).map((argument) => `| \`${argument.name()}\` | ${cell(help.argumentDescription(argument))} |`);
  return [
    `## ${path.split(' ').slice(1).join(' ')}`,
    `${command.description()}.`,
    `\`\`\`\n${path} ${command.usage()}\n\`\`\``,
    args.length === 0 ? '' : ['| argument | |', '| --- | --- |', ...args].join('\n'),
    optionTable(command, own),
    ...visibleCommands(command).flatMap((child) => renderCommand(child, path, shared)),
  ];
}

function optionTable(command: Command, options: readonly Option[]): string {
  const help = command.createHelp();
  const rows = options.map((option) => `| \`${cell(option.flags)}\` | ${cell(help.optionDescription(option))} |`);
  return rows.length === 0 ? '' : ['| option | |', '| --- | --- |', ...rows].join('\n');
}

function visibleCommands(command: Command): readonly Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => child.name() !== 'help');
}

const cell = (text: string): string => text.replace(/\s+/g, ' ').replaceAll('|', '\\|');
