// A macro is a plain function that calls rules and other macros under one name.
import { defineMacro, goBinary } from 'ocidsl';
import { goOciImage, type GoOciImageTargets } from 'ocidsl/macros';
import { checksums } from './checksums.ts';

/** Attributes of {@link acmeService}. */
export interface AcmeServiceAttributes {
  /** Name of the image, and of the service. */
  readonly name: string;
  /** The Go package with its `func main`. */
  readonly package: string;
  /** Who is called at night. */
  readonly team: string;
}

/** An image as operations at Acme expects it: no root user, an owner, and the checksums of what is in it. */
export const acmeService: (attributes: AcmeServiceAttributes) => GoOciImageTargets = defineMacro(
  'acmeService',
  (attributes: AcmeServiceAttributes) => {
    const { name, team } = attributes;
    const program = goBinary({ name: `${name}_bin`, package: attributes.package });
    return goOciImage({
      name,
      srcs: [program, checksums({ name: `${name}_checksums`, srcs: [program] })],
      entrypoint: [`/srv/${name}_bin`],
      user: '65532:65532',
      pkg: { packageDir: '/srv' },
      image: { labels: { 'com.acme.team': team, 'com.acme.service': name } },
    });
  },
);
