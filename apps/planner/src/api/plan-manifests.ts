import { type Condition, type PlanSpec, RenderedVm, type VmRecord } from '@ledgerlift/contracts';
import type { Entry, Outline, PlanExaminer } from '@ledgerlift/planning';
import { summaryOf, targetOf, targetVm } from '@ledgerlift/targets';
import { NoSuchVmInPlan } from './errors.js';
import { pageFrom } from './views/catalog.js';

type Outlined = Outline['vms'][number];

/** Devices that a guest supports once virt-v2v has installed its drivers. Nothing more is known before the conversion. */
const CONVERTED = { diskBus: 'virtio', nicModel: 'virtio', rng: true, balloon: true } as const;

/** Renders the VMs of a plan as its target would define them. Creates nothing, and the plan need not be ready to start. */
export class PlanManifests {
  constructor(private readonly examiner: PlanExaminer) {}

  /**
   * @param vm name or id at the source; all VMs if left out
   * @throws NoSuchVmInPlan
   */
  async of(
    plan: Entry<PlanSpec>,
    { vm, ...page }: { readonly offset: number; readonly limit: number; readonly vm?: string | undefined },
  ): Promise<{ items: RenderedVm[]; total: number; offset: number }> {
    const { conditions, vms } = await this.examiner.outline(plan);
    const meant = vms.filter(({ planned }) => vm === undefined || isCalled(planned, vm));
    if (vm !== undefined && meant.length === 0) throw new NoSuchVmInPlan(plan.spec.name, vm);
    return pageFrom(meant, page, (each) => rendered(each, conditions));
  }
}

const isCalled = ({ vm, entry }: Outlined['planned'], ref: string): boolean =>
  vm?.id === ref || vm?.name === ref || entry.ref === ref;

function rendered(
  { planned: { vm, entry, targetName, targetNamespace }, record }: Outlined,
  conditions: readonly Condition[],
): RenderedVm {
  const name = vm?.name ?? entry.ref;
  const named = { sourceId: vm?.id ?? entry.ref, name, targetName, targetNamespace };
  if (record === undefined) return { ...named, files: [], missing: whyNot(name, conditions) };
  const whole: VmRecord = { ...record, migrationId: 'none', index: 0 };
  const capabilities = record.settings.skipGuestConversion ? undefined : CONVERTED;
  const target = targetVm(whole, { capabilities });
  const files = targetOf(record.target.type).render(whole, target);
  const summary = RenderedVm.shape.summary.parse(summaryOf(whole, target));
  return { ...named, summary, files: files.map((file) => ({ ...file })) };
}

/** The Critical conditions that name the VM, or all of them if none does. */
function whyNot(name: string, conditions: readonly Condition[]): string {
  const critical = conditions.filter(({ category }) => category === 'Critical');
  const own = critical.filter(({ items }) => items.includes(name));
  const said = (own.length > 0 ? own : critical).map(({ type, message }) => `${type}: ${message}`);
  return said.length === 0 ? 'a mapping does not say where all of its disks go' : said.join('; ');
}
