export {};
//# sourceMappingURL=small-disk.spec.d.ts.map