export {};
//# sourceMappingURL=nats-server.int.spec.d.ts.map