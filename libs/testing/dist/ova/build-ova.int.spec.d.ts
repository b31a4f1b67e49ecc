export {};
//# sourceMappingURL=build-ova.int.spec.d.ts.map