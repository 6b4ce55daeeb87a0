// @acme/images: what all images of Acme have in common, as an npm package.
export { acmeService, type AcmeServiceAttributes } from './acme-service.ts';
export { checksums } from './checksums.ts';
