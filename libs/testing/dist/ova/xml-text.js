/** An XML element as text. A child is the text of another element, or what `text()` made of a value. */
export function element(name, attributes = {}, ...children) {
    const pairs = Object.entries(attributes).filter(([, value]) => value !== undefined);
    const open = `<${name}${pairs.map(([key, value]) => ` ${key}="${text(String(value))}"`).join('')}`;
    return children.length === 0 ? `${open}/>` : `${open}>${children.join('')}</${name}>`;
}
/** A value as XML text or attribute value. */
export function text(value) {
    return String(value)
        .replaceAll('&', '&amp;')
        .replaceAll('<', '&lt;')
        .replaceAll('>', '&gt;')
        .replaceAll('"', '&quot;');
}
//# sourceMappingURL=xml-text.js.map