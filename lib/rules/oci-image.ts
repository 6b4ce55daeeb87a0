// The rule ociImage: one image for one platform.
import { isFileReference, isTargetReference, type SourceReference } from '../graph/value.ts';
import type { Handle } from '../graph/handle.ts';
import type { ValuesOf } from '../graph/attribute.ts';
import { encodeImageSpec, IMAGE_TOOL, type ImageSpec } from '../oci/image-spec.ts';
import { isPlatformString, formatPlatform, parsePlatform, type Platform } from '../oci/platform.ts';
import { outputOf, type ActionInput } from '../plan/action-node.ts';
import type { AnalysisContext } from '../plan/analysis-context.ts';
import { defineRule, provide } from '../plan/define-rule.ts';
import type { Discovered, Discovery } from '../plan/discovery.ts';
import { encodeLayerSpec, LAYER_TOOL } from '../tar/layer-spec.ts';
import { archiveInputs } from './archive-inputs.ts';
import { OCI_IMAGE_SCHEMA, type LayoutBase, type OciImageAttributes } from './oci-image-attributes.ts';
import { ImageInfo, TarInfo, type ImageDocument, type LayerArtifacts } from './providers.ts';
import { planSources } from './source-inputs.ts';

type Values = ValuesOf<typeof OCI_IMAGE_SCHEMA>;

/**
 * Makes an OCI image for one platform, from scratch or on a base: manifest, configuration and references to layers. Media types are OCI's
 * throughout. With `ociImageIndex` or `multiArch` the same target serves several platforms.
 *
 * @example
 * ociImage({ name: 'hello', os: 'linux', architecture: 'amd64', tars: [pkg], entrypoint: ['/hello_bin'] });
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md
 */
export const ociImage: (attributes: OciImageAttributes) => Handle<'ImageInfo'> = defineRule({
  name: 'ociImage',
  attributes: OCI_IMAGE_SCHEMA,
  provides: [ImageInfo],
  check(values, problem) {
    const given = (['os', 'architecture', 'variant'] as const).filter((name) => values[name] !== undefined);
    if (values.base === undefined) {
      for (const name of ['os', 'architecture'] as const) {
        if (values[name] === undefined) problem(name, 'it is missing', 'a value: os and architecture are mandatory without a base');
      }
    } else if (given[0] !== undefined) problem(given[0], 'it is set together with base', 'nothing: the platform comes from the base');
  },
  analyze(context) {
    const { values } = context;
    const platform = values.base === undefined ? ownPlatform(context) : context.platform;
    const base = planBase(context, platform);
    const own = (values.tars ?? []).map((reference, i) => layerOf(context, reference, platform, i));
    const layers = own.map((layer, i): ActionInput => ({ path: `layers/${i}.json`, content: layer.description }));
    const files = planValueFiles(context, platform);
    const action = context.action({
      mnemonic: 'Image',
      message: `Making image ${context.label} for ${formatPlatform(platform)}`,
      outputs: ['config.json', 'manifest.json'],
      discoveries: files.discoveries,
      describe(found) {
        const valueFiles = files.resolve(found);
        const spec = imageSpec(context, platform, own.length, valueFiles.names);
        const onBase = base && { ...spec, base: { ...BASE_INPUTS, ...(base.name === undefined ? {} : { name: base.name }) } };
        return {
          kind: 'tool',
          tool: IMAGE_TOOL,
          args: ['spec.json'],
          inputs: [
            { path: 'spec.json', content: { kind: 'bytes', bytes: encodeImageSpec(onBase ?? spec) } },
            ...layers,
            ...valueFiles.inputs,
            ...(base === undefined ? [] : baseInputs(base)),
          ],
        };
      },
    });
    return [
      provide(ImageInfo, {
        manifest: outputOf(action, 'manifest.json'),
        config: outputOf(action, 'config.json'),
        platform,
        layers: [...(base?.layers ?? []), ...own],
        bases: base?.origins ?? [],
      }),
    ];
  },
});

// An image from scratch says what it is for: its content is built for that, so that a fixed "amd64" is amd64 on every machine.
function ownPlatform(context: AnalysisContext<Values>): Platform {
  const { os, architecture, variant } = context.values;
  const text = [os, architecture, ...(variant === undefined || variant === '' ? [] : [variant])].join('/');
  if (!isPlatformString(text))
    context.fail(`make image "${context.label}" for "${text}": it is not a known platform, expected one such as "linux/amd64"`);
  return parsePlatform(text);
}

interface PlannedBase {
  /** Full name of the image, where it was pulled. */
  readonly name?: string | undefined;
  readonly manifest: ImageDocument;
  readonly config: ImageDocument;
  readonly layers: readonly LayerArtifacts[];
  readonly origins: ImageInfo['bases'];
}

function planBase(context: AnalysisContext<Values>, platform: Platform): PlannedBase | undefined {
  const { base } = context.values;
  if (base === undefined) return undefined;
  if (isTargetReference(base)) {
    const { pulledAs, manifest, config, layers, bases } = context.use(base, ImageInfo);
    return { name: pulledAs, manifest, config, layers, origins: bases };
  }
  const { directory, refName } = (base satisfies LayoutBase).$layout;
  const discovery: Discovery = { discoverer: 'oci-layout', args: { directory, refName, platform: formatPlatform(platform) } };
  return {
    manifest: { kind: 'discovered', discovery, name: 'manifest.json', label: context.label },
    config: { kind: 'discovered', discovery, name: 'config.json', label: context.label },
    layers: [],
    origins: [{ kind: 'layout', directory }],
  };
}

const BASE_INPUTS = { manifest: 'base/manifest.json', config: 'base/config.json' } as const;

function baseInputs(base: PlannedBase): ActionInput[] {
  return [
    { path: BASE_INPUTS.manifest, content: base.manifest },
    { path: BASE_INPUTS.config, content: base.config },
  ];
}

function layerOf(context: AnalysisContext<Values>, reference: SourceReference, platform: Platform, position: number): LayerArtifacts {
  const compression = context.values.compression ?? 'gzip';
  if (isTargetReference(reference)) return context.use(reference, TarInfo, platform).layer(compression);
  const { inputs, archives } = archiveInputs(context, [reference], 'archives');
  const spec = encodeLayerSpec({
    defaults: { uid: 0, gid: 0, uname: '', gname: '', mtime: 0, fileMode: 0o644, directoryMode: 0o755 },
    entries: [],
    archives,
    createParents: false,
    allowDuplicates: { differentContent: false, fromArchives: false },
    compression: { format: compression },
  });
  const blob = compression === 'gzip' ? 'layer.tar.gz' : 'layer.tar';
  const action = context.action({
    mnemonic: 'Layer',
    message: `Repacking ${isFileReference(reference) ? reference.$file : `layer ${position}`} for ${context.label}`,
    outputs: ['layer.json', blob],
    discoveries: [],
    describe: () => ({
      kind: 'tool',
      tool: LAYER_TOOL,
      args: ['spec.json'],
      inputs: [...inputs, { path: 'spec.json', content: { kind: 'bytes', bytes: spec } }],
    }),
  });
  return { blob: outputOf(action, blob), description: outputOf(action, 'layer.json') };
}

const FILE_ATTRIBUTES = ['env', 'labels', 'annotations'] as const;
type FileAttribute = (typeof FILE_ATTRIBUTES)[number];
type Pairs = readonly (readonly [string, string])[];

function isPairs(value: unknown): value is Pairs {
  return Array.isArray(value) && value.every((each) => Array.isArray(each));
}

// Files with variables, labels and annotations: their input paths keep the file's ending, which says how to read it.
function planValueFiles(context: AnalysisContext<Values>, platform: Platform) {
  const plans = FILE_ATTRIBUTES.map((attribute) => {
    const value = context.values[attribute];
    const references =
      value === undefined || isPairs(value) ? [] : ((Array.isArray(value) ? value : [value]) as readonly SourceReference[]);
    return { attribute, plan: planSources(context, references, `values/${attribute}`, platform) };
  });
  return {
    discoveries: plans.flatMap(({ plan }) => plan.discoveries),
    resolve(found: readonly Discovered[]) {
      let at = 0;
      const names: Partial<Record<FileAttribute, string[]>> = {};
      const inputs: ActionInput[] = [];
      for (const { attribute, plan } of plans) {
        const files = plan.resolve(found.slice(at, (at += plan.discoveries.length))).inputs.map(({ input }) => input);
        if (files.length > 0) names[attribute] = files.map(({ path }) => path);
        inputs.push(...files);
      }
      return { names, inputs };
    },
  };
}

function imageSpec(
  context: AnalysisContext<Values>,
  platform: Platform,
  layers: number,
  files: Partial<Record<FileAttribute, string[]>>,
): ImageSpec {
  const { values } = context;
  const pairs = (attribute: FileAttribute) => (isPairs(values[attribute]) ? values[attribute] : undefined);
  const created = values.created ?? context.sourceDate;
  return Object.fromEntries(
    Object.entries({
      platform,
      layers: Array.from({ length: layers }, (_, i) => ({ json: `layers/${i}.json` })),
      entrypoint: values.entrypoint,
      cmd: values.cmd,
      keepCmd: values.keepCmd,
      env: pairs('env'),
      envFiles: files.env,
      user: values.user,
      workdir: values.workdir,
      exposedPorts: values.exposedPorts,
      volumes: values.volumes,
      labels: asRecord(pairs('labels')),
      labelFiles: files.labels,
      annotations: asRecord(pairs('annotations')),
      annotationFiles: files.annotations,
      stopSignal: values.stopSignal,
      created,
      author: values.author,
      checkEntrypoint: values.checkEntrypoint ?? true,
    }).filter(([, value]) => value !== undefined),
  ) as unknown as ImageSpec;
}

function asRecord(pairs: Pairs | undefined): Readonly<Record<string, string>> | undefined {
  return pairs === undefined ? undefined : Object.fromEntries(pairs);
}
