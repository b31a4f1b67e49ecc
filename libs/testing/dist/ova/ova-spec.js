export {};
//# sourceMappingURL=ova-spec.js.map