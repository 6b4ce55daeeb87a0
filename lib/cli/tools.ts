// Tools and discoverers by name, each loaded when it is first needed.
import type { FetchContext } from '../fetch/fetch-context.ts';
import type { Discoverer } from '../plan/discoverer.ts';
import type { Tool } from '../tools/tool.ts';
import { goInstaller } from './install-go.ts';

const TOOLS: Readonly<Record<string, () => Promise<Tool>>> = {
  layer: async () => (await import('../tools/layer.ts')).layerTool,
  tar: async () => (await import('../tools/tar.ts')).tarTool,
  image: async () => (await import('../tools/image.ts')).imageTool,
  'image-index': async () => (await import('../tools/image-index.ts')).imageIndexTool,
  'go-build': async () => (await import('../tools/go-build.ts')).goBuildTool,
};

const DISCOVERERS: Readonly<Record<string, (context: FetchContext) => Promise<Discoverer>>> = {
  paths: async () => (await import('../tools/discover-paths.ts')).pathsDiscoverer,
  text: async () => (await import('../tools/discover-text.ts')).textDiscoverer,
  glob: async () => (await import('../tools/discover-glob.ts')).globDiscoverer,
  'host-program': async () => (await import('../tools/discover-host-program.ts')).hostProgramDiscoverer,
  'oci-layout': async ({ cas }) => (await import('../tools/discover-oci-layout.ts')).createOciLayoutDiscoverer(cas),
  'pulled-image': async (context) => (await import('../fetch/discover-pulled-image.ts')).createPulledImageDiscoverer(context),
  'http-file': async (context) => (await import('../fetch/discover-http-file.ts')).createHttpFileDiscoverer(context),
  'go-packages': async (context) => (await import('../tools/discover-go-packages.ts')).createGoPackagesDiscoverer(goInstaller(context)),
};

/** The tool of a name; undefined where there is none. */
export async function loadTool(name: string): Promise<Tool | undefined> {
  return await TOOLS[name]?.();
}

/** The discoverer of a name. */
export async function loadDiscoverer(name: string, context: FetchContext): Promise<Discoverer> {
  const load = DISCOVERERS[name];
  if (load === undefined) throw new Error(`There is no discoverer ${name}`);
  return await load(context);
}

/** Names of all tools, for the command `tool`. */
export const TOOL_NAMES: readonly string[] = Object.keys(TOOLS);
