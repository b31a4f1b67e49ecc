type Attributes = Readonly<Record<string, string | number | undefined>>;
/** An XML element as text. A child is the text of another element, or what `text()` made of a value. */
export declare function element(name: string, attributes?: Attributes, ...children: readonly string[]): string;
/** A value as XML text or attribute value. */
export declare function text(value: string | number): string;
export {};
//# sourceMappingURL=xml-text.d.ts.map