// A file of the network in an image: downloaded once, and only if it is the file that was pinned.
import { command, httpFile, ociImage, pkgTar } from 'ocidsl';

const archive = httpFile({
  name: 'normalize_css',
  urls: ['https://registry.npmjs.org/normalize.css/-/normalize.css-8.0.1.tgz'],
  digest: 'sha256:5cc172e0d5d062bc2a1a4bf85443e2eb260d3720e16527a0c1ac03b642f1de39',
});

// Commands have no network: what they need is an input. It lies at NAME/FILE.
const css = command({
  name: 'css',
  argv: ['tar', '-xzf', 'normalize_css/normalize.css-8.0.1.tgz', '--strip-components=1', 'package/normalize.css'],
  inputs: [archive],
  outputs: ['normalize.css'],
});

const site = pkgTar({ name: 'site', srcs: [css, 'index.html'], packageDir: '/srv/www', mode: '0444' });

// As it is, too: for whoever wants to see what was used.
const sources = pkgTar({ name: 'sources', srcs: [archive], packageDir: '/usr/share/sources', mode: '0444' });

ociImage({ name: 'image', os: 'linux', architecture: 'amd64', tars: [sources, site] });
