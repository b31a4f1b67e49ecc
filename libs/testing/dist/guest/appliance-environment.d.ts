/**
 * The environment in which libguestfs (and so virt-v2v) works on a machine without KVM and without a kernel of its
 * own: laid over a service's environment by tests and by the demo.
 *
 * @throws PeerMissing when scripts/install-appliance-kernel.sh has not run
 */
export declare function applianceEnvironment(): Readonly<Record<string, string>>;
//# sourceMappingURL=appliance-environment.d.ts.map