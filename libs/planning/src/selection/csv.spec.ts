import { describe, expect, it } from '@jest/globals';
import { PlanVm } from '@ledgerlift/contracts';
import fc from 'fast-check';
import { webVm } from '../spec/fixtures.js';
import { importVms, writeVms } from './csv.js';

const named = (...names: readonly string[]) => names.map((name) => ({ ...webVm, id: `id-${name}`, name }));
const into = { vms: [] as PlanVm[], targetNamespace: 'default', inventory: named('web', 'db', 'mail') };
const read = (csv: string, change: Partial<typeof into> = {}) => importVms(csv, { ...into, ...change });
/** `line column 'value': problem`, for each. */
const problems = (csv: string, change: Partial<typeof into> = {}): readonly string[] =>
  read(csv, change).problems.map(
    ({ line, column = '', value = '', problem }) => `${line} ${column} '${value}': ${problem}`,
  );

describe('a CSV file of VMs', () => {
  it('is read in any order of columns', () => {
    const csv =
      'wave,vm,cutover_time,target_name,priority,namespace\n2,web,2026-12-01T22:00:00Z,www,70,prod\n,db,,,,\n';
    expect(read(csv)).toEqual({
      problems: [],
      vms: [
        {
          ref: 'web',
          wave: 2,
          cutoverAt: '2026-12-01T22:00:00Z',
          targetName: 'www',
          priority: 70,
          targetNamespace: 'prod',
        },
        { ref: 'db' },
      ],
    });
  });

  it.each([
    ['semicolons', 'vm;wave\nweb;1\n'],
    ['a byte order mark and CRLF', '\uFEFFvm,wave\r\nweb,1\r\n'],
    ['bare carriage returns', 'vm,wave\rweb,1'],
    ['quotes and empty lines', '"vm","wave"\n\n"web","1"\n,,\n\n'],
    ['a header in capitals with blanks', ' VM , Wave \nweb,1\n'],
    ['columns without a name at the end', 'vm,wave,,\nweb,1,,\n'],
  ])('may have %s', (_, csv) => expect(read(csv)).toEqual({ problems: [], vms: [{ ref: 'web', wave: 1 }] }));

  it('takes times in any zone and converts them to UTC', () => {
    const [vm] = read('vm,cutover_time\nweb,2026-12-01 23:30+01:00\n').vms;
    expect(vm?.cutoverAt).toBe('2026-12-01T22:30:00Z');
  });

  it('leaves fields without a column unchanged, and clears fields with an empty cell', () => {
    const vms = [PlanVm.parse({ ref: 'id-web', wave: 3, targetName: 'www', labels: { tier: 'front' } })];
    expect(read('vm,wave\nweb,\n', { vms }).vms).toEqual([
      { ref: 'web', targetName: 'www', labels: { tier: 'front' } },
    ]);
  });

  it('names every bad cell by line and column, with a way out', () => {
    const csv = [
      'vm,target_name,namespace,wave,priority,cutover_time',
      'ghost,,,,,',
      'web,Big Name,default,0,101,2026-12-01T22:00:00',
      'id-web,,,,,tomorrow',
      'db,mail,,,,',
      'mail,,,,,2026-02-30T22:00:00Z',
      '"mail\n',
    ];
    expect(problems(csv.slice(0, -1).join('\n'))).toEqual([
      "2 vm 'ghost': is not in the inventory; correct it, or refresh the inventory",
      "3 target_name 'Big Name': must be a DNS-1123 label: lower case letters, digits and -, at most 63",
      "3 wave '0': must be a whole number from 1 to 1000",
      "3 priority '101': must be a whole number from 0 to 100, the highest first",
      "3 cutover_time '2026-12-01T22:00:00': has no time zone; add Z, or an offset such as +01:00",
      "4 cutover_time 'tomorrow': must be a time with its zone, such as 2026-12-01T22:00:00Z or 2026-12-01 23:00+01:00",
      "4 vm 'id-web': is also the VM of line 3; keep one of them",
      "6 cutover_time '2026-02-30T22:00:00Z': must be a time with its zone, such as 2026-12-01T22:00:00Z or 2026-12-01 23:00+01:00",
      "6 target_name '': 'default/mail' is also the target of line 5; give one of them another name or namespace",
    ]);
    expect(problems(csv.join('\n'))).toEqual([expect.stringMatching(/^7 {2}'': Quote Not Closed/)]);
  });

  it('counts lines inside quotes', () => {
    expect(problems('vm\n"we\nb"\nghost\n').map((each) => each.slice(0, 10))).toEqual([
      "2 vm 'we\nb",
      "4 vm 'ghos",
    ]);
  });

  it('is refused for a wrong header alone', () => {
    expect(problems('')).toEqual([expect.stringContaining('the file is empty')]);
    expect(problems('name,wave,wave\nweb,1,1\n')).toEqual([
      expect.stringMatching(/^1 {2}'name': there is no such column; the columns are vm, /),
      "1 wave '': the column appears twice; keep one of them",
      expect.stringContaining('1 vm'),
    ]);
  });

  it('may not have a row with more cells than the header', () =>
    expect(problems('vm,wave\nweb,1,2\n')).toEqual([expect.stringContaining("2  '2': the row has 3 cells")]));

  it('may not have more rows than a plan takes', () =>
    expect(problems(`vm\n${'web\n'.repeat(100_001)}`)).toEqual([
      "100002  '': a plan takes at most 100000 VMs; split them into several plans",
    ]));

  it('of ten thousand VMs reads back as written', () => {
    const inventory = named(...Array.from({ length: 10_000 }, (_, index) => `vm-${index}`));
    const vms = inventory.map(({ name }, index) => ({
      ref: name,
      wave: 1 + (index % 9),
      targetName: `t-${index}`,
    }));
    expect(read(writeVms(vms), { inventory, vms })).toEqual({ vms, problems: [] });
  });

  it('lists the VMs of an ambiguous name', () => {
    const inventory = [
      ...named('web').map((vm) => ({ ...vm, path: '/prod/web' })),
      ...named('web').map((vm) => ({ ...vm, id: 'other', path: '/test/web' })),
    ];
    expect(problems('vm\nweb\n', { inventory })).toEqual([
      "2 vm 'web': means 2 VMs; write the id of one: id-web (/prod/web), other (/test/web)",
    ]);
  });

  it('runs nothing in a spreadsheet', () => {
    const csv = writeVms([{ ref: '=HYPERLINK("http://x")' }, { ref: '@SUM(A1)' }, { ref: "'-1" }]);
    expect(csv.split('\r\n').slice(1, 4)).toEqual([
      `"'=HYPERLINK(""http://x"")",,,,,`,
      "'@SUM(A1),,,,,",
      "''-1,,,,,",
    ]);
  });
});

const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?$/);
const optional = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });
const planVm = fc.record(
  {
    ref: fc.oneof(fc.string({ minLength: 1 }), fc.string({ unit: 'grapheme', minLength: 1 }), formula()),
    targetName: label,
    targetNamespace: label,
    wave: fc.integer({ min: 1, max: 1000 }),
    priority: fc.integer({ min: 0, max: 100 }),
    cutoverAt: fc
      .date({ min: new Date(0), max: new Date('2999-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString()),
  },
  { requiredKeys: ['ref'] },
);
function formula(): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom("'", "''", '=', '+', '-', '@', '\t', '\r', '\n', '"', ';', ','), fc.string())
    .map(([first, rest]) => `${first}${rest}`);
}
const plan = fc
  .uniqueArray(planVm, { selector: ({ ref }) => ref, maxLength: 12 })
  // What is nothing but blanks is no VM that could be told from an empty cell.
  .map((vms) => vms.filter(({ ref }) => ref.trim() !== ''))
  .map((vms) => vms.map((vm, index) => ({ ...vm, targetName: `${vm.targetName ?? 'vm'}-${index}` })));
const inventoryFor = (vms: readonly PlanVm[]) =>
  vms.map(({ ref }, index) => ({ ...webVm, id: `the-plans-vm-${index}`, name: ref }));

describe('in every plan', () => {
  it('an imported export equals the plan, and exports the same again', () => {
    fc.assert(
      fc.property(plan, (vms) => {
        const csv = writeVms(vms);
        const imported = importVms(csv, { ...into, inventory: inventoryFor(vms) });
        expect(imported).toEqual({ vms, problems: [] });
        expect(writeVms(imported.vms)).toBe(csv);
      }),
      { numRuns: 500 },
    );
  });

  it('500 broken files are read, or each mistake is reported; none crashes', () => {
    const change = fc.tuple(
      fc.nat(),
      fc.nat(6),
      optional(fc.string({ unit: 'binary', maxLength: 6 })),
      formula(),
    );
    fc.assert(
      fc.property(plan, fc.array(change, { minLength: 1, maxLength: 4 }), (vms, changes) => {
        let csv = writeVms(vms);
        for (const [at, cut, text, other] of changes) {
          const place = at % (csv.length + 1);
          csv = csv.slice(0, place) + (text ?? other) + csv.slice(place + cut);
        }
        const { vms: imported, problems: found } = importVms(csv, { ...into, inventory: inventoryFor(vms) });
        for (const { line, problem } of found) {
          expect(line).toBeGreaterThan(0);
          expect(problem.length).toBeGreaterThan(10);
        }
        if (found.length === 0) for (const vm of imported) PlanVm.parse(vm);
      }),
      { numRuns: 500 },
    );
  });
});
