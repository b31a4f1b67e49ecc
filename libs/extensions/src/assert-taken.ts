import { ExtensionNotLoaded, type ProviderSpec, isExtension, settingsOf } from '@ledgerlift/contracts';
import { extensionProvider } from '@ledgerlift/providers';
import { extensionTarget } from '@ledgerlift/targets';

/**
 * Sees that this service has the extension of a spec, and that the extension takes its settings.
 * @throws ExtensionNotLoaded, ExtensionSettingsNotValid
 */
export function assertTaken(spec: ProviderSpec): void {
  if (!isExtension(spec.type)) return;
  const extension = extensionProvider(spec.type) ?? extensionTarget(spec.type);
  if (extension === undefined) throw new ExtensionNotLoaded(spec.type);
  settingsOf(spec, extension.type, extension.settings);
}
