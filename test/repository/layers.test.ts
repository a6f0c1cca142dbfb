import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const SRC = resolve('src');

/** Who may import whom: ARCHITECTURE.md, "Layers", in a form that fails. A star stands for types only. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  'main.ts': ['program.ts'],
  'program.ts': ['config.ts', 'gateway.ts', 'services.ts*', 'server', 'sandbox'],
  'gateway.ts': ['context.ts*', 'services.ts', 'schema', 'server'],
  'config.ts': ['environment.ts'],
  'environment.ts': [],
  commands: ['environment.ts', 'ledger', 'models'],
  'context.ts': ['models'],
  'services.ts': ['context.ts*', 'datasources', 'ledger', 'watch', 'rows', 'models'],
  server: ['schema', 'context.ts*', 'models'],
  schema: ['resolvers', 'models', 'context.ts*'],
  resolvers: ['models', 'context.ts*'],
  watch: ['ledger', 'datasources*', 'models'],
  rows: ['ledger*', 'datasources*', 'watch*', 'models'],
  ledger: ['models'],
  datasources: ['models'],
  models: [],
  sandbox: [],
  simulation: ['watch', 'ledger', 'datasources', 'models', 'sandbox'],
};

interface Import {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly typesOnly: boolean;
}

function filesOf(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesOf(path) : [path];
  });
}

function layerOf(path: string): string {
  return relative(SRC, path).split('/')[0] ?? '';
}

function importsOf(path: string): Import[] {
  const text = readFileSync(path, 'utf8');
  const statements = text.matchAll(
    /(?:^|\n)\s*(import|export)\s+(type\s)?([^;'"]*?from\s+)?['"](\.[^'"]+)['"]|import\(\s*['"](\.[^'"]+)['"]/g,
  );
  return [...statements].map((match) => {
    const target = resolve(dirname(path), (match[4] ?? match[5] ?? '').replace(/\.js$/, '.ts'));
    const names = /\{([^}]*)\}/.exec(match[3] ?? '')?.[1]?.split(',') ?? [];
    const allTypes =
      names.length > 0 && names.every((name) => name.trim() === '' || name.trim().startsWith('type '));
    return {
      file: relative(SRC, path),
      from: layerOf(path),
      to: layerOf(target),
      typesOnly: match[2] !== undefined || allTypes,
    };
  });
}

function isAllowed({ from, to, typesOnly }: Import): boolean {
  const allowed = ARROWS[from] ?? [];
  return from === to || allowed.includes(to) || (typesOnly && allowed.includes(`${to}*`));
}

describe('the layers', () => {
  const imports = filesOf(SRC)
    .filter((path) => path.endsWith('.ts'))
    .flatMap(importsOf);

  test('are all known', () => {
    expect(new Set(readdirSync(SRC))).toEqual(new Set(Object.keys(ARROWS)));
    expect(imports.length).toBeGreaterThan(200);
  });

  test('import each other only along the arrows', () => {
    const wrong = imports.filter((found) => !isAllowed(found)).map(({ file, to }) => `${file} imports ${to}`);
    expect(wrong).toEqual([]);
  });

  test('would be seen to break the rule', () => {
    expect(isAllowed({ file: '', from: 'resolvers', to: 'ledger', typesOnly: true })).toBe(false);
    expect(isAllowed({ file: '', from: 'watch', to: 'datasources', typesOnly: false })).toBe(false);
    expect(isAllowed({ file: '', from: 'watch', to: 'datasources', typesOnly: true })).toBe(true);
  });
});

test('only schema/index.ts imports the files that register types', () => {
  const importers = filesOf(join(SRC, 'schema'))
    .filter((path) => /^import '\.\//m.test(readFileSync(path, 'utf8')))
    .map((path) => relative(SRC, path));
  expect(importers).toEqual(['schema/index.ts']);
});
