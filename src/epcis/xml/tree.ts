/** A namespace URI, '' for none. */
export type XmlAttribute = { readonly name: string; readonly uri: string; readonly local: string; readonly value: string };
export type XmlElement = {
  /** As written, with its prefix. */
  readonly name: string;
  readonly uri: string;
  readonly local: string;
  /** Without namespace declarations. */
  readonly attributes: readonly XmlAttribute[];
  /** Declared on this element: prefix ('' the default) → URI. */
  readonly declares: Readonly<Record<string, string>>;
  readonly children: readonly (XmlElement | string)[];
};
