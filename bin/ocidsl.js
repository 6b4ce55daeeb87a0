#!/usr/bin/env node
// Starts the command line, dist/cli.cjs, which loads dist/commands.cjs if it must. Compiling them takes longer than a build in which
// nothing changed, so V8's compiled code is kept in the user's cache folder, one file per bundle and command. It is a hint only: whatever goes wrong with it is ignored.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');

const dist = path.join(__dirname, '../dist');
const args = process.argv.slice(2);

if (args.includes('--debug')) {
  // Stack traces point into lib/*.ts. Reading the source map costs more than the whole start, hence only here.
  process.setSourceMapsEnabled(true);
  start(require(path.join(dist, 'cli.cjs')));
} else {
  startCompiled();
}

function start({ main }, onStarted) {
  return main(args, onStarted).then((status) => {
    process.exitCode = status;
  });
}

function startCompiled() {
  const loaded = new Map();
  const pending = []; // what is to be kept: see load()
  const keep = () => {
    for (const save of pending.splice(0)) save();
  };
  const load = (name) => {
    if (loaded.has(name)) return loaded.get(name).exports;
    const bundle = path.join(dist, name);
    const source = fs.readFileSync(bundle, 'latin1'); // scripts/build.ts writes ASCII, which is read faster this way
    const file = path.join(cachesFolder(), 'ocidsl', 'code', cacheName(source));
    const script = new vm.Script(`(function (exports, require, module, __filename, __dirname, Import, Load) {${source}})`, {
      filename: bundle,
      cachedData: readCode(file),
    });
    if (script.cachedDataRejected !== false) pending.push(() => writeCode(file, script.createCachedData()));
    const module = { exports: {} };
    loaded.set(name, module);
    const run = script.runInThisContext();
    run(module.exports, require, module, bundle, dist, (url) => import(url), load);
    return module.exports;
  };
  // Kept once the functions that a command uses at each start are compiled, before those of a long build are; and at its end
  // for what was loaded later.
  start(load('cli.cjs'), keep).then(keep);
}

function cachesFolder() {
  const configured = process.env.XDG_CACHE_HOME ?? '';
  return path.isAbsolute(configured) ? configured : path.join(process.env.HOME || '/nonexistent', '.cache');
}

// V8 itself only compares the source's length, and npm gives every file of a package the same time. So the name holds the
// digest that scripts/build.ts wrote into the bundle's last line.
function cacheName(source) {
  const stamp = source.slice(source.lastIndexOf('//') + 2).trim();
  const command = /^[a-z-]{1,20}$/.exec(args[0] ?? '')?.[0] ?? 'ocidsl';
  return `${process.version}-${process.arch}-${stamp}-${command}.bin`;
}

// V8 trusts the code that it is given and crashes on damaged code. So the file holds it twice: comparing the halves takes
// microseconds, where a checksum would take the loading of node:crypto.
function readCode(file) {
  try {
    const owner = fs.statSync(file).uid;
    if (owner !== (process.getuid?.() ?? owner)) return undefined; // another user's code is not run
    const twice = fs.readFileSync(file);
    const code = twice.subarray(0, twice.length / 2);
    return code.equals(twice.subarray(code.length)) ? code : undefined;
  } catch {
    return undefined;
  }
}

function writeCode(file, code) {
  const folder = path.dirname(file);
  const temporary = `${file}.${process.pid}`;
  try {
    // One by one: a home folder that does not exist must not be made, and Node's recursive mkdir hangs in /proc.
    for (const ancestor of [path.dirname(path.dirname(folder)), path.dirname(folder), folder]) {
      if (!fs.existsSync(ancestor)) fs.mkdirSync(ancestor, { mode: 0o700 });
    }
    fs.writeFileSync(temporary, Buffer.concat([code, code]), { mode: 0o600, flush: true });
    fs.renameSync(temporary, file);
    const monthAgo = Date.now() - 30 * 24 * 60 * 60 * 1000;
    for (const name of fs.readdirSync(folder)) {
      const old = path.join(folder, name);
      if (fs.statSync(old).mtimeMs < monthAgo) fs.rmSync(old);
    }
  } catch {
    // A read-only or full disk: the next start compiles again.
  }
}
