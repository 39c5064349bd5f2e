import { LotlineError } from '../../errors.ts';
import { isAbsoluteUri, quoted } from '../uri.ts';
import { askedKeys, attributeName, VOCABULARY_NAMES, vocabularyType } from './names.ts';

/** A SimpleMasterDataQuery as it is asked (MD-8); what is not there constrains nothing. */
export type MasterdataParameters = {
  readonly vocabularyName?: readonly string[] | undefined;
  readonly includeAttributes?: boolean | undefined;
  readonly includeChildren?: boolean | undefined;
  readonly attributeNames?: readonly string[] | undefined;
  readonly EQ_name?: readonly string[] | undefined;
  readonly WD_name?: readonly string[] | undefined;
  readonly HASATTR?: readonly string[] | undefined;
  /** By the name of the attribute. */
  readonly EQATTR?: ReadonlyMap<string, readonly string[]> | undefined;
  readonly maxElementCount?: number | undefined;
};

/** The same, read: types are URIs, elements keys, attributes the names of `attributeName`. Null constrains nothing. */
export type MasterdataQuery = {
  readonly types: readonly string[] | null;
  /** Elements of one of these keys. */
  readonly keys: readonly string[] | null;
  /** Elements of one of these keys, or below them. */
  readonly under: readonly string[] | null;
  /** Elements that have one of these attributes. */
  readonly having: readonly string[] | null;
  /** Elements whose attributes have one of these values, each of them. */
  readonly equal: readonly { readonly attribute: string; readonly values: readonly string[] }[];
  readonly maxElementCount: number | null;
  /** What is told of attributes: none (null), those of these names, or all. */
  readonly attributes: readonly string[] | 'all' | null;
  readonly children: boolean;
};

/** Reads a SimpleMasterDataQuery. Attributes and children are told unless they are declined. */
export function readMasterdataQuery(parameters: MasterdataParameters): MasterdataQuery {
  const { vocabularyName, EQ_name, WD_name, HASATTR, EQATTR, attributeNames, maxElementCount } = parameters;
  return {
    types: vocabularyName?.map((name) => readType(name, '?vocabularyName')) ?? null,
    keys: keysOf(EQ_name, '?EQ_name'),
    under: keysOf(WD_name, '?WD_name'),
    having: HASATTR?.map(attributeName) ?? null,
    equal: [...(EQATTR ?? [])].map(([name, values]) => ({ attribute: attributeName(name), values })),
    maxElementCount: maxElementCount ?? null,
    attributes: parameters.includeAttributes === false ? null : (attributeNames?.map(attributeName) ?? 'all'),
    children: parameters.includeChildren !== false,
  };
}

function keysOf(names: readonly string[] | undefined, at: string): readonly string[] | null {
  if (names === undefined) return null;
  try {
    return [...new Set(names.flatMap(askedKeys))];
  } catch (error) {
    throw error instanceof LotlineError ? error.within(at) : error;
  }
}

/** The URI of a vocabulary that a question names. */
export function readType(name: string, at: string): string {
  const type = vocabularyType(name);
  if (isAbsoluteUri(type)) return type;
  throw new LotlineError('QRY-PARAM', `${quoted(name)} is no vocabulary`, {
    at,
    fix: `Use ${VOCABULARY_NAMES.join(', ')}, or the URI of a vocabulary.`,
  });
}
