// ocidsl/macros: ready-made macros. Each is made of nothing but the public functions of 'ocidsl', so any of them could live
// in your own repository.
export { goOciImage, type GoOciImageAttributes, type GoOciImageTargets } from './go-oci-image.ts';
