export { BadXml, XmlReader, type XmlTree, localName } from './reader.js';
export { type XmlElement, element, toCompactXml, toXml } from './writer.js';
