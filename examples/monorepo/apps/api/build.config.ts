// The package apps/api: its targets are apps/api:api, apps/api:api_index, …
import { goBinary } from 'ocidsl';
import { goOciImage } from 'ocidsl/macros';

export const apiProgram = goBinary({ name: 'api_bin', package: '.' });

export const api = goOciImage({ name: 'api', srcs: [apiProgram], entrypoint: ['/api_bin'] });
