#!/usr/bin/env node
// Docker's credential helper for GitHub's container registry. What it answers is in lib/registry/gh-credential-helper.ts; loaded by itself,
// because docker, podman and ocidsl wait for it at each command.
'use strict';
const fs = require('node:fs');
const path = require('node:path');

const MAX_INPUT_BYTES = 65_536; // the address of one server

const stopped = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => stopped.abort(new Error(name)));

async function input() {
  const chunks = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_INPUT_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8').slice(0, MAX_INPUT_BYTES);
}

async function main() {
  const { answerHelperCall } = await import('../dist/lib/registry/gh-credential-helper.js');
  const { version } = JSON.parse(fs.readFileSync(path.join(__dirname, '../package.json'), 'utf8'));
  const answer = await answerHelperCall({
    args: process.argv.slice(2),
    environment: process.env,
    input,
    version,
    signal: stopped.signal,
  });
  fs.writeSync(1, answer.stdout);
  fs.writeSync(2, answer.stderr);
  return answer.exitCode;
}

main().then(
  (code) => process.exit(code),
  (error) => {
    // Never the error itself: it could quote what it was working on.
    fs.writeSync(2, `docker-credential-ocidsl-gh: ${stopped.signal.aborted ? 'interrupted' : `failed (${error?.code ?? error?.name})`}\n`);
    process.exit(1);
  },
);
