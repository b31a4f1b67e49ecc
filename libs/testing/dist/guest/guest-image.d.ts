/** What the guest is, for those who log in or look at its console. */
export declare const guest: {
    readonly hostname: "guest";
    readonly user: "root";
    readonly password: "v2v";
    readonly sizeBytes: number;
};
/**
 * Path of the tests' guest: a bootable Debian with VMware's devices, as a raw disk. Built when this recipe's is not
 * in the cache (about a minute); processes that ask at the same time wait for one build. Never write to it: copy it.
 *
 * @throws PeerFailed with the build's output when it fails
 */
export declare function guestImage(): Promise<string>;
//# sourceMappingURL=guest-image.d.ts.map