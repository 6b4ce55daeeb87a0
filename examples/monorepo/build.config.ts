// What concerns the whole repository: where its images go, and an archive of all programs.
import { ociPush, pkgTar } from 'ocidsl';
import { api, apiProgram } from './apps/api/build.config.ts';

// By handle: typed, and the compiler knows when it goes away.
ociPush({ name: 'push_api', image: api.index, repository: '127.0.0.1:5000/acme/api' });

// By label: found when it is built, from wherever it is declared.
ociPush({ name: 'push_worker', image: 'apps/worker:worker_index', repository: '127.0.0.1:5000/acme/worker' });

pkgTar({ name: 'programs', srcs: [apiProgram, 'apps/worker:worker_bin'], packageDir: '/usr/bin', extension: 'tar.gz' });
