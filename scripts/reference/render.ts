// Writes the public surface of a module as Markdown.
import type { Attribute, Docs, Export } from './collect.ts';

const LABELS: Readonly<Record<string, string>> = {
  default: 'Default',
  merge: 'Merged',
  throws: 'Errors',
  see: 'See',
  returns: 'Returns',
  deprecated: 'Deprecated',
};

/** One page: rules or macros with all their attributes, then whatever else the module exports. */
export function renderModule(title: string, introduction: string, exports: readonly Export[]): string {
  const attributed = exports.filter((item) => item.kind === 'attributed');
  const values = exports.filter((item) => item.kind === 'value');
  const types = exports.filter((item) => item.kind === 'type' && !item.name.endsWith('Attributes'));
  const blocks = [
    `# ${title}`,
    introduction,
    attributed.map((item) => `- [${item.name}](#${anchor(item.name)}): ${firstSentence(item.docs)}`).join('\n'),
    ...attributed.flatMap(renderAttributed),
    ...(values.length > 0 ? ['## Other functions and values', ...values.flatMap(renderValue)] : []),
    ...(types.length > 0 ? ['## Types', types.map((item) => `- \`${item.name}\`: ${oneLine(item.docs.text)}`).join('\n')] : []),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function renderAttributed(item: Export): string[] {
  const rows = item.attributes.map((attribute) => {
    const fallback = attribute.required ? 'required' : cell(code(tag(attribute.docs, 'default')) ?? '');
    return `| [${attribute.name}](#${anchor(`${item.name}.${attribute.name}`)}) | ${cell(`\`${attribute.type}\``)} | ${fallback} |`;
  });
  return [
    `## ${item.name}`,
    ...renderDocs(item.docs),
    ['| attribute | type | default |', '| --- | --- | --- |', ...rows].join('\n'),
    ...item.attributes.flatMap((attribute) => renderAttribute(item.name, attribute)),
  ];
}

function renderAttribute(owner: string, attribute: Attribute): string[] {
  const type = `\`${attribute.type}\`${attribute.required ? ', required' : ''}`;
  return [`### ${owner}.${attribute.name}`, type, ...renderDocs(attribute.docs)];
}

function renderValue(item: Export): string[] {
  return [`### ${item.name}`, item.signature === '' ? '' : fence(item.signature), ...renderDocs(item.docs)];
}

function renderDocs(docs: Docs): string[] {
  const facts = docs.tags
    .filter(({ name }) => LABELS[name] !== undefined)
    .map(({ name, text }) => `- ${LABELS[name]}: ${name === 'default' ? (code(text) ?? '') : oneLine(text)}`);
  const examples = docs.tags.filter(({ name }) => name === 'example').map(({ text }) => fence(text));
  return [docs.text, facts.join('\n'), ...examples];
}

// Defaults that are values are code; those that are words ("the base's") are prose.
function code(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const line = oneLine(text);
  return /^(["'[{\d-].*|true|false|undefined|null)$/.test(line) && !line.includes('`') ? `\`${line}\`` : line;
}

function fence(text: string): string {
  return text.includes('```') ? text : `\`\`\`ts\n${text.trim()}\n\`\`\``;
}

const tag = (docs: Docs, name: string): string | undefined => docs.tags.find((item) => item.name === name)?.text;
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
const cell = (text: string): string => text.replaceAll('|', '\\|');
// GitHub's rule: lower case, without punctuation.
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^a-z0-9_ -]/g, '')
    .replaceAll(' ', '-');

function firstSentence(docs: Docs): string {
  const line = oneLine(docs.text);
  return /^.*?[.:](?= |$)/.exec(line)?.[0].replace(/[.:]$/, '') ?? line;
}
