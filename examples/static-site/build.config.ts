// A static site and its server: what pkgTar can do with files, and metadata that comes from files.
import { glob, goBinary, ociImage, ociLoad, pkgTar, select } from 'ocidsl';

// public/index.html → /srv/www/index.html, public/assets/site.css → /srv/www/static/site.css
const site = pkgTar({
  name: 'site',
  srcs: [glob(['public/**'], { exclude: ['public/drafts/**'] })],
  stripPrefix: 'public',
  remapPaths: { '/assets/': '/static/' },
  packageDir: '/srv/www',
  mode: '0444',
});

const server = pkgTar({
  name: 'server',
  srcs: [goBinary({ name: 'serve', package: './cmd/serve' })],
  packageDir: '/usr/bin',
});

// What the running container expects besides files. Keys of modes and owners are paths in the archive.
const folders = pkgTar({
  name: 'folders',
  emptyDirs: ['tmp', 'var/cache/site'],
  symlinks: { 'var/www': '../srv/www' },
  modes: { tmp: '1777', 'var/cache/site': '0750' },
  owners: { 'var/cache/site': '65532.65532' },
});

const image = ociImage({
  name: 'image',
  os: 'linux',
  architecture: select({ 'linux/amd64': 'amd64', 'linux/arm64': 'arm64' }),
  tars: [folders, server, site],
  entrypoint: ['/usr/bin/serve'],
  user: '65532:65532',
  exposedPorts: ['8080/tcp'],
  env: 'image/serve.env',
  labels: 'image/labels.yaml',
  annotations: 'image/annotations.json',
});

ociLoad({ name: 'load', image, repoTags: ['acme/site:latest'] });
