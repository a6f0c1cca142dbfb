import { isEnumType, isInputObjectType, isInterfaceType, isIntrospectionType, isObjectType } from 'graphql';
import { expect, test } from 'vitest';
import { clientSchema } from '../../src/schema/index.js';

interface Described {
  readonly where: string;
  readonly name: string;
  readonly description: string | null | undefined;
}

test('everything in the schema is described, and not by its own name', () => {
  const all = [...walk()];
  expect(all.length).toBeGreaterThan(150);
  expect(all.filter(isPoor).map(({ where }) => where)).toEqual([]);
});

test('a nullable field of an answer says when it is null', () => {
  const silent = [...walk()].filter(({ description }) => !/\bnull\b/i.test(description ?? ''));
  const nullable = new Set(nullableFields());
  expect(nullable.size).toBeGreaterThan(40);
  expect(silent.map(({ where }) => where).filter((where) => nullable.has(where))).toEqual([]);
});

function isPoor({ name, description }: Described): boolean {
  const words = (text: string) => text.toLowerCase().replace(/\b(the|a|an|of|its)\b|[^a-z0-9]/g, '');
  return !description || description.length < 15 || words(description) === words(name);
}

function* walk(): Generator<Described> {
  for (const type of Object.values(clientSchema.getTypeMap())) {
    if (isIntrospectionType(type) || ['Boolean', 'ID', 'Int', 'String'].includes(type.name)) continue;
    yield { where: type.name, name: type.name, description: type.description };
    if (isEnumType(type)) {
      for (const value of type.getValues()) yield at(type.name, value);
    }
    if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) yield at(type.name, field);
    }
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        yield at(type.name, field);
        for (const arg of field.args) yield at(`${type.name}.${field.name}`, arg);
      }
    }
  }
}

function* nullableFields(): Generator<string> {
  for (const type of Object.values(clientSchema.getTypeMap())) {
    if (isIntrospectionType(type) || !(isObjectType(type) || isInterfaceType(type))) continue;
    for (const field of Object.values(type.getFields())) {
      if (!String(field.type).endsWith('!')) yield `${type.name}.${field.name}`;
    }
  }
}

function at(parent: string, named: { name: string; description?: string | null | undefined }): Described {
  return { where: `${parent}.${named.name}`, name: named.name, description: named.description };
}
