/** A q35 machine has 31 slots on its root bus; what KubeVirt needs of them itself leaves about so many for disks. */
export const MOST_DISKS = 23;
