// Usage: sum-tests.mjs FOLDER [STAGE...]. Sums up the results that scripts/test.sh and scripts/test-peers.sh left in
// a folder, of the stages or of all, and prints `N passed, N failed` alone on its line. A test that was skipped or is
// still to be written counts as failed, and so does a stage without a result. Exit 0 when nothing failed and
// something passed.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, ...stages] = process.argv.slice(2);
let passed = 0;
let failed = 0;

const files = stages.length > 0 ? stages.map((stage) => `${stage}.json`) : readdirSync(folder);
for (const file of files) {
  if (!existsSync(join(folder, file))) {
    console.log(`${file}: was not written`);
    failed += 1;
    continue;
  }
  const result = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const skipped = (result.numPendingTests ?? 0) + (result.numTodoTests ?? 0);
  if (skipped > 0) console.log(`${file}: ${skipped} tests were skipped, which counts as failed`);
  passed += result.numPassedTests;
  // A file that does not even load holds no test that could fail.
  failed += result.numFailedTests + (result.numRuntimeErrorTestSuites ?? 0) + skipped;
  for (const suite of result.testResults ?? [])
    for (const test of suite.assertionResults)
      if (test.status !== 'passed') console.log(`${test.status}: ${suite.name}: ${test.fullName}`);
}
if (passed === 0) failed = Math.max(failed, 1);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
