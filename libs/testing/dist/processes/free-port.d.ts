/** A TCP port of 127.0.0.1 that nobody listens on at this moment. */
export declare function freePort(): Promise<number>;
//# sourceMappingURL=free-port.d.ts.map