import { expect, it } from 'vitest';
import { asked } from '../../test/support/quick-argon2.ts';
import { hashSecret, isSecret } from './secrets.ts';

it('a secret is kept as argon2id with 19 MiB, two passes and one lane', async () => {
  const hash = await hashSecret('eleven green bottles');
  expect(hash).toMatch(/^\$argon2id\$v=19\$/);
  expect(asked.at(-1)).toEqual({ memoryCost: 19_456, timeCost: 2, parallelism: 1 });
});

it('a secret is itself however a keyboard composes its letters, and nothing else', async () => {
  const hash = await hashSecret('grüne Flaschen elf');
  expect(await isSecret(hash, 'gru\u0308ne Flaschen elf')).toBe(true);
  expect(await isSecret(hash, 'grune Flaschen elf')).toBe(false);
});

it('nobody has a secret, at the cost of everybody', async () => {
  expect(await isSecret(null, 'eleven green bottles')).toBe(false);
  expect(asked.every(({ memoryCost, timeCost }) => memoryCost === 19_456 && timeCost === 2)).toBe(true);
});
