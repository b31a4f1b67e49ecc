export {};
//# sourceMappingURL=owned-process.int.spec.d.ts.map