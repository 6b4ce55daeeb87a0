// Reads the public surface of a module with the TypeScript compiler: exports, their documentation, and the attributes of rules.
import ts from 'typescript';

/** Documentation of one symbol, as Markdown. */
export interface Docs {
  /** Prose before the first tag; empty where there is none. */
  readonly text: string;
  readonly tags: readonly { readonly name: string; readonly text: string }[];
}

/** One attribute of a rule or macro. */
export interface Attribute {
  readonly name: string;
  /** As written in the source, on one line. */
  readonly type: string;
  readonly required: boolean;
  readonly docs: Docs;
}

/** One export of a module. */
export interface Export {
  readonly name: string;
  /** `attributed`: a function of one object of documented attributes, which rules and macros are. */
  readonly kind: 'attributed' | 'value' | 'type';
  /** As a declaration, where there is one to show. */
  readonly signature: string;
  readonly docs: Docs;
  /** In the order of the source; of `attributed` exports only. */
  readonly attributes: readonly Attribute[];
}

/** The exports of each of `entries`, in the order in which it lists them; those of a namespace as `namespace.name`. */
export function collectExports(entries: readonly string[], options: ts.CompilerOptions): Export[][] {
  const program = ts.createProgram(entries, { ...options, noEmit: true });
  const checker = program.getTypeChecker();
  return entries.map((entry) => {
    const source = program.getSourceFile(entry);
    const module = source && checker.getSymbolAtLocation(source);
    if (module === undefined) throw new Error(`Cannot document "${entry}": it is no module, expected one with exports`);
    return exportsInOrder(module, checker).flatMap((exported) => {
      const symbol = resolve(exported, checker);
      if (!(symbol.flags & ts.SymbolFlags.ValueModule)) return [describe(exported.name, symbol, checker)];
      return exportsInOrder(symbol, checker).map((member) =>
        describe(`${exported.name}.${member.name}`, resolve(member, checker), checker),
      );
    });
  });
}

// The compiler lists functions first, as they are hoisted.
function exportsInOrder(module: ts.Symbol, checker: ts.TypeChecker): ts.Symbol[] {
  const position = (symbol: ts.Symbol): number => symbol.declarations?.[0]?.pos ?? 0;
  return [...checker.getExportsOfModule(module)].sort((a, b) => position(a) - position(b));
}

function resolve(symbol: ts.Symbol, checker: ts.TypeChecker): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

function describe(name: string, symbol: ts.Symbol, checker: ts.TypeChecker): Export {
  const common = { name, docs: docsOf(symbol, checker), signature: '', attributes: [] };
  const declaration = symbol.valueDeclaration;
  if (declaration === undefined || ts.isClassDeclaration(declaration)) return { ...common, kind: 'type' };
  const [call] = checker.getTypeOfSymbolAtLocation(symbol, declaration).getCallSignatures();
  if (call === undefined) return { ...common, kind: 'value' };
  const attributes = attributesOf(call, checker);
  return {
    ...common,
    kind: attributes.length > 0 ? 'attributed' : 'value',
    signature: name + checker.signatureToString(call, declaration, ts.TypeFormatFlags.NoTruncation),
    attributes,
  };
}

// The attributes of a function whose only required parameter is a type named …Attributes. A union of such types (attributes
// that exclude each other) gives all of them; required is what every member requires.
function attributesOf(call: ts.Signature, checker: ts.TypeChecker): Attribute[] {
  const [parameter] = call.getParameters();
  const declaration = parameter?.valueDeclaration;
  if (parameter === undefined || declaration === undefined) return [];
  const type = checker.getTypeOfSymbolAtLocation(parameter, declaration);
  const names = [type.aliasSymbol?.name, type.symbol?.name, ts.isParameter(declaration) ? declaration.type?.getText() : undefined];
  if (!names.some((name) => name?.split(/[<&|]/)[0]?.trim().endsWith('Attributes'))) return [];
  const members = type.isUnion() ? type.types : [type];
  const found = new Map<string, Attribute>();
  for (const member of members) {
    for (const property of checker.getPropertiesOfType(member)) {
      const attribute = attributeOf(property, checker);
      // In the member that forbids an attribute it is `never`.
      if (attribute.type === 'never' || found.has(property.name)) continue;
      found.set(property.name, { ...attribute, required: members.every((each) => requires(each, property.name)) });
    }
  }
  return [...found.values()];
}

function requires(type: ts.Type, name: string): boolean {
  const property = type.getProperty(name);
  return property !== undefined && (property.flags & ts.SymbolFlags.Optional) === 0;
}

function attributeOf(property: ts.Symbol, checker: ts.TypeChecker): Omit<Attribute, 'required'> {
  const declaration = property.declarations?.find(ts.isPropertySignature);
  const written = declaration?.type?.getText().replace(/\s+/g, ' ');
  const type = declaration === undefined ? checker.typeToString(checker.getTypeOfSymbol(property)) : (written ?? 'any');
  return {
    name: property.name,
    type,
    docs: docsOf(property, checker),
  };
}

function docsOf(symbol: ts.Symbol, checker: ts.TypeChecker): Docs {
  const text = ts.displayPartsToString(symbol.getDocumentationComment(checker));
  const tags = symbol.getJsDocTags(checker).map((tag) => ({ name: tag.name, text: ts.displayPartsToString(tag.text) }));
  return { text: links(text), tags: tags.map((tag) => ({ name: tag.name, text: links(tag.text) })) };
}

// {@link ociImage} and {@link https://… the specification}, as Markdown.
function links(text: string): string {
  return text
    .replace(/\{@link\s+(https?:\/\/[^\s}]+)\s*\|?\s*([^}]*)\}/g, (_, url: string, label: string) =>
      label ? `[${label.trim()}](${url})` : `<${url}>`,
    )
    .replace(/\{@link\s+([^\s}]+)[^}]*\}/g, '`$1`')
    .trim();
}
