// `ocidsl list`
import { formatLabel } from '../../graph/label.ts';
import type { Settings } from '../settings.ts';
import type { Terminal } from '../terminal.ts';
import { openWorkspace } from '../workspace-session.ts';

/** Prints every target with its rule and where it was declared. */
export async function list(settings: Settings, terminal: Terminal): Promise<void> {
  const session = await openWorkspace(settings, []);
  const rows = session.requested.map((label) => {
    const target = session.targets.get(label)!;
    const places = session.locate(label);
    const outer = places[places.length - 1];
    return {
      label,
      rule: target.rule.name,
      ...(outer === undefined ? {} : { location: `${outer.file}:${outer.line}:${outer.column}` }),
      ...(target.macros.length === 0
        ? {}
        : { macros: target.macros.map((call) => `${call.macro} ${formatLabel({ package: target.package, name: call.name })}`) }),
    };
  });
  if (settings.json) {
    terminal.print(`${JSON.stringify(rows, undefined, 2)}\n`);
    return;
  }
  const width = (of: (row: (typeof rows)[number]) => string) => Math.max(0, ...rows.map((row) => of(row).length));
  const [labels, rules] = [width((row) => row.label), width((row) => row.rule)];
  for (const row of rows) {
    const by = row.macros === undefined ? '' : ` (${row.macros.join(', ')})`;
    terminal.print(`${`${row.label.padEnd(labels)}  ${row.rule.padEnd(rules)}  ${row.location ?? ''}${by}`.trimEnd()}\n`);
  }
}
