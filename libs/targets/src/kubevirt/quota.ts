import { KubernetesRefused, QuotaExceeded } from './errors.js';

// kubernetes v1.34, staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go, checkRequest.
const EXCEEDED = /exceeded quota: ([^,]+), (requested: .*)$/s;

/** Makes something in the cluster, and says which quota is in the way where one is. @throws QuotaExceeded, and as `make` */
export async function withinQuota<T>(make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    const [, quota, figures] =
      (error instanceof KubernetesRefused ? EXCEEDED.exec(error.says) : undefined) ?? [];
    if (!(error instanceof KubernetesRefused) || quota === undefined || figures === undefined) throw error;
    throw new QuotaExceeded(error.object, quota, figures);
  }
}
