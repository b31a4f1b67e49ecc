import type { SourceVm } from '@ledgerlift/contracts';
import { type Rule, type Subject, rule } from './subject.js';

/** What a guest calls itself when nobody has given it a name. */
const DEFAULT_NAME =
  /^(localhost[46]?(\.localdomain[46]?)?|localhost-live|linux|debian|ubuntu|fedora|centos|\(none\))$/i;
/** What virt-v2v cannot convert of the systems that it knows by kind (virt-v2v-support(1)). */
const TOO_OLD =
  /^win(31|95|98|me|nt|2000)|^rhel[234]_?|^rhel[234](64)?guest|^redhatguest|^suseguest|^vmkernel|^crx/i;

const isUnsupported = ({ id, family }: SourceVm['os']): boolean =>
  (family !== 'linux' && family !== 'windows') || TOO_OLD.test(id);

/** About what runs in the VM, and what its tools tell of it. */
export const guestRules: readonly Rule[] = [
  rule(
    'vmware.os.unsupported',
    'Warning',
    ({ vm }) => isUnsupported(vm.os),
    'Unsupported operating system detected',
    'The guest is set to an operating system that no conversion is known for. If it is another one, correct it at the source; if not, migrate it with `skipGuestConversion` and look at the result.',
  ),
  rule(
    'vmware.vm.name.invalid',
    'Warning',
    ({ vm }) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(vm.name),
    'Invalid VM Name',
    'The name is no DNS-1123 label, so the target VM gets another one; give it one in the plan if you care.',
  ),
  rule(
    'vmware.hostname.empty',
    'Warning',
    ({ vm }) => vm.guest !== undefined && (vm.guest.hostName ?? '') === '',
    'Empty Host Name',
    'The guest has told no host name, and the target VM gets none from here. It may get another one by DHCP than it had.',
  ),
  rule(
    'vmware.hostname.default',
    'Warning',
    ({ vm }) => DEFAULT_NAME.test(vm.guest?.hostName ?? ''),
    'Default Host Name',
    'The guest has the host name of a system that nobody has given one. It may get another one by DHCP than it had; give it a name before.',
  ),
  rule(
    'vmware.vm_missing_ip.detected',
    'Warning',
    (subject) => subject.vm.powerState === 'on' && subject.vm.nics.length > 0 && !tellsAddress(subject),
    'VM is missing IP addresses',
    'The guest tells no IP address, so that static ones cannot be preserved. See that its VMware Tools run.',
  ),
];

/** Old tools tell addresses without what else belongs to them. */
const tellsAddress = (subject: Subject): boolean =>
  (subject.text('guest.ipAddress') ?? '') !== '' ||
  (subject.vm.guest?.nics ?? []).some(({ addresses }) => addresses.length > 0) ||
  (subject.at('guest.net')?.parts ?? []).some((nic) => nic.list('ipAddress').length > 0);
