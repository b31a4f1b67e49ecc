/**
 * Programs through which a command is started that splits in two before it is tied to its parent, as bwrap does: killed in that moment, its
 * first half leaves the other waiting for ever (seen with 0.8.0). A process beside them in the group waits for the end of a pipe
 * from us, which the kernel closes when we die, however we die; then it kills the group. bwrap looks past children that it had before.
 *
 * @param fd of the pipe in the command, 3 to 9; we close our end when the command has ended
 */
export function watchedBy(fd: number): readonly string[] {
  const others = [3, 4, 5, 6, 7, 8, 9].filter((each) => each !== fd).map((each) => `${each}>&-`);
  const watch = `(while read -r word <&${fd}; do :; done; kill -KILL 0) >/dev/null 2>&1 ${others.join(' ')} &`;
  return ['sh', '-c', `${watch}\nexec "$@" ${fd}<&-`, 'sh'];
}
