// A file is generated in a sandbox and packed. The command sees its inputs and nothing else of this folder, and has no network.
import { command, ociImage, pkgTar } from 'ocidsl';

const page = command({
  name: 'page',
  argv: ['sh', '-c', 'sh scripts/render.sh notes.txt > notes.html'],
  inputs: ['scripts/render.sh', 'notes.txt'],
  outputs: ['notes.html'],
  env: { TITLE: 'Release notes' },
});

const site = pkgTar({ name: 'site', srcs: [page], packageDir: '/srv/www', mode: '0444' });

ociImage({ name: 'image', os: 'linux', architecture: 'amd64', tars: [site] });
