// The public surface of ocidsl.

// Rules
export { ociPull, type OciPullAttributes } from './rules/oci-pull.ts';
export { command, type CommandAttributes } from './rules/command.ts';
export { goBinary, type GoBinaryAttributes } from './rules/go-binary.ts';
export { goCrossBinary, type GoCrossBinaryAttributes } from './rules/go-cross-binary.ts';
export { goToolchain, type GoToolchainAttributes } from './rules/go-toolchain.ts';
export { httpFile, type HttpFileAttributes } from './rules/http-file.ts';
export { multiArch, type MultiArchAttributes } from './rules/multi-arch.ts';
export { ociImage } from './rules/oci-image.ts';
export type {
  Architecture,
  OciImageAttributes,
  OciImageCommonAttributes,
  OciImageFromScratch,
  OciImageOnBase,
  Os,
  PairsOrFiles,
  Variant,
} from './rules/oci-image-attributes.ts';
export { ociImageIndex, type OciImageIndexAttributes } from './rules/oci-image-index.ts';
export { ociLoad, type OciLoadAttributes } from './rules/oci-load.ts';
export { ociPush } from './rules/oci-push.ts';
export type { Attachment } from './rules/attachment-attribute.ts';
export type {
  OciPushAttributes,
  OciPushCommonAttributes,
  OciPushToRepositories,
  OciPushToRepository,
  OciPushToRepositoryFile,
} from './rules/oci-push-attributes.ts';
export type { GitState, TagContext, TagFunction } from './rules/remote-tag.ts';
export { pkgTar } from './rules/pkg-tar.ts';
export type { PkgTarAttributes } from './rules/pkg-tar-attributes.ts';

// Values
export { glob, type GlobOptions } from './rules/glob.ts';
export { select, type OperatingSystem, type SelectCases } from './rules/select.ts';
export type { Glob } from './graph/glob.ts';
export type { Handle } from './graph/handle.ts';
export type { Configurable, Select } from './graph/select.ts';
export type { PlatformString } from './oci/platform-string.ts';

// For authors of rules and macros
export { defineMacro } from './graph/define-macro.ts';
export { defineProvider, type Provider } from './graph/provider.ts';
export { defineRule, provide, type Provided, type RuleDefinition } from './plan/define-rule.ts';
export { outputOf, type ActionInput, type ActionNode, type CommandDescription, type ToolDescription } from './plan/action-node.ts';
export type { AnalysisContext } from './plan/analysis-context.ts';
export type { Artifact, OutputArtifact, SourceArtifact } from './plan/action-node.ts';
export * as attribute from './graph/attribute.ts';
export { planSources, type SourceInput, type SourceInputs, type SourcePlan } from './rules/source-inputs.ts';
export {
  BinaryInfo,
  FilesInfo,
  GoToolchainInfo,
  ImageInfo,
  IndexInfo,
  LoadInfo,
  MultiArchInfo,
  TarInfo,
  type ProvidedFile,
} from './rules/providers.ts';
export { PushInfo, type PlannedAttachment } from './rules/push-info.ts';
export { isOcidslError, OcidslError } from './base/errors.ts';
