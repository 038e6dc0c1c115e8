import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = join(__dirname, '../..');
const DOCUMENTS = readdirSync(ROOT).flatMap((name) => {
  if (name.endsWith('.md')) return [name];
  const isOurs = ['bench', 'docker', 'docs', 'src', 'test'].includes(name);
  const inside = isOurs ? readdirSync(join(ROOT, name), { recursive: true, encoding: 'utf8' }) : [];
  return inside.filter((path) => path.endsWith('.md')).map((path) => `${name}/${path}`);
});

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(markdown: string): string[] {
  const headings = [...markdown.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.+)$/gm)].map(([, text = '']) =>
    text
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
  return headings.map((anchor, index) => {
    const before = headings.slice(0, index).filter((other) => other === anchor).length;
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}

describe('The documents', () => {
  it('should be linked to files and headings that are there', () => {
    const broken = DOCUMENTS.flatMap((document) => {
      const markdown = readFileSync(join(ROOT, document), 'utf8');
      const links = [...markdown.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
      return links
        .filter((link) => !/^[a-z]+:/.test(link))
        .filter((link) => {
          const [path = '', anchor] = link.split('#');
          const target = path === '' ? join(ROOT, document) : join(ROOT, dirname(document), path);
          if (!existsSync(target)) return true;
          return (
            anchor !== undefined &&
            (statSync(target).isDirectory() || !anchorsOf(readFileSync(target, 'utf8')).includes(anchor))
          );
        })
        .map((link) => `${document}: ${link}`);
    });
    expect(broken).toEqual([]);
  });

  it('should all be found from the README', () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const guides = DOCUMENTS.filter((document) => document.startsWith('docs/'));
    expect(guides.length).toBeGreaterThan(5);
    expect(guides.filter((guide) => !readme.includes(`](${guide}`))).toEqual([]);
  });
});
