// Runs a program and says what it used, to the microsecond: Node cannot ask for the usage of its children, so a few lines
// of Python do.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Quantity, Subject } from './row.ts';
import type { Workbench } from './workbench.ts';

/** What one run took: seconds, seconds of all processors, bytes. */
export type Usage = Readonly<Record<Quantity, number>>;

const MEASURE = `
import json, os, subprocess, sys, threading, time
job = json.load(sys.stdin)
wall = cpu = peak = 0

def watch(pid):
    global peak
    while True:
        try:
            with open(f'/proc/{pid}/status') as status:
                lines = [line for line in status if line.startswith('VmHWM')]
        except OSError:
            return
        if not lines:
            return
        peak = max(peak, int(lines[0].split()[1]) * 1024)
        time.sleep(0.02)

with open(job['log'], 'wb') as output:
    for _ in range(job['runs']):
        started = time.perf_counter()
        child = subprocess.Popen(job['argv'], env=job['environment'], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        if job['ownPeak']:
            threading.Thread(target=watch, args=(child.pid,), daemon=True).start()
        _, status, usage = os.wait4(child.pid, 0)
        wall += time.perf_counter() - started
        cpu += usage.ru_utime + usage.ru_stime
        if not job['ownPeak']:
            peak = max(peak, usage.ru_maxrss * 1024)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            sys.exit(f'{job["argv"][0]} ended with {child.returncode}')
print(json.dumps({'wall': wall / job['runs'], 'cpu': cpu / job['runs'], 'peak': peak}))
`;

/** Takes one sample of a subject that is prepared. What it prints goes to a file, whose end is shown where it fails. */
export function measure(subject: Subject, bench: Workbench): Usage {
  const log = join(bench.folder, 'output.log');
  const { argv, cwd, runs = 1, ownPeak = false } = subject;
  // Given as data: a version manager in front of python3 would change the environment, which is an input of our builds.
  const job = { argv, runs, ownPeak, log, environment: { ...bench.environment, ...subject.environment } };
  const child = spawnSync('python3', ['-c', MEASURE], { cwd, input: JSON.stringify(job), encoding: 'utf8' });
  if (child.error) throw child.error;
  if (child.status !== 0)
    throw new Error(`Cannot measure ${subject.name}: ${child.stderr.trim()}\n${readFileSync(log, 'utf8').slice(-2000)}`);
  return JSON.parse(child.stdout) as Usage;
}
