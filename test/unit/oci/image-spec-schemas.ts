// The image-spec's own JSON schemas as validators. They come as a Go module, which is verified by the Go checksum
// database; without Go (or without a module proxy) the tests that need them are skipped by name.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';

const MODULE = 'github.com/opencontainers/image-spec@v1.1.1';
const FILES = [
  'defs.json',
  'defs-descriptor.json',
  'content-descriptor.json',
  'image-manifest-schema.json',
  'image-index-schema.json',
  'image-layout-schema.json',
  'config-schema.json',
] as const;

/** Documents that have a schema. */
export type SpecDocument = 'manifest' | 'index' | 'config' | 'layout' | 'descriptor';

/** Either problems of a document by its schema, or why there are no schemas. */
export type SpecSchemas =
  | { readonly skipReason: string }
  | { readonly skipReason?: undefined; readonly problems: (kind: SpecDocument, bytes: Uint8Array) => string[] };

/** Loads the schemas. */
export function loadSpecSchemas(): SpecSchemas {
  let folder: string;
  try {
    folder = join(moduleFolder(), 'schema');
  } catch (error) {
    return { skipReason: `go mod download ${MODULE} fails: ${(error as Error).message.split('\n')[0]}` };
  }
  const ajv = new Ajv({
    strict: false,
    allErrors: true,
    formats: { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/, uri: /^[a-z][a-z0-9+.-]*:/i },
  });
  for (const file of FILES) ajv.addSchema(fromDraft4(JSON.parse(readFileSync(join(folder, file), 'utf8'))) as object, file);
  const validator = (file: (typeof FILES)[number]) => ajv.getSchema(file) as ValidateFunction;
  const validators: Record<SpecDocument, ValidateFunction> = {
    manifest: validator('image-manifest-schema.json'),
    index: validator('image-index-schema.json'),
    config: validator('config-schema.json'),
    layout: validator('image-layout-schema.json'),
    descriptor: validator('content-descriptor.json'),
  };
  return {
    problems(kind, bytes) {
      const validate = validators[kind];
      validate(JSON.parse(Buffer.from(bytes).toString('utf8')));
      return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
    },
  };
}

function moduleFolder(): string {
  // Outside of any module, so that no go.mod has a say.
  const cwd = mkdtempSync(join(tmpdir(), 'ocidsl-schemas-'));
  try {
    const json = execFileSync('go', ['mod', 'download', '-json', MODULE], {
      cwd,
      env: { ...process.env, GOFLAGS: '-mod=mod' },
      timeout: 60_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return (JSON.parse(json.toString()) as { Dir: string }).Dir;
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

// The schemas are of draft 4: `id` was renamed later, and those here only repeat what the file names say.
function fromDraft4(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(fromDraft4);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => key !== '$schema' && !(key === 'id' && typeof value === 'string'))
      .map(([key, value]) => [key, fromDraft4(value)]),
  );
}
