// Loaded before a process that a spec starts, so that it runs on the sources as the spec does: no build is needed, and
// none can be stale. TypeScript's '.js' means the '.ts' beside it.
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const isSource = specifier.startsWith('.') && context.parentURL?.endsWith('.ts');
    return next(isSource ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});
