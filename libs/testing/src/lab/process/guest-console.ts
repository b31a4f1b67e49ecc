import { once } from 'node:events';
import { type Socket, connect } from 'node:net';

const BOOT_MS = 480_000;
const COMMAND_MS = 120_000;

/** A shell on the serial console of a guest: one command after the other. */
export class GuestConsole {
  readonly #socket: Socket;
  #seen = '';
  #wake: () => void = () => undefined;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8').on('data', (text: string) => {
      this.#seen += text;
      this.#wake();
    });
    socket.on('error', () => undefined);
  }

  static async open(path: string): Promise<GuestConsole> {
    const socket = connect({ path });
    await once(socket, 'connect');
    return new GuestConsole(socket);
  }

  /** Waits until the guest is up, and logs in. Answers each prompt: on a busy machine `login` gives up after 60 s and asks again. */
  async logIn(user: string, password: string): Promise<void> {
    const deadline = Date.now() + BOOT_MS;
    for (let prompt: string | undefined; prompt !== '# ';) {
      [, prompt] = await this.#expect(/((?<!Last )login:|assword:|# )/, deadline - Date.now());
      if (prompt === 'login:') this.#send(user);
      else if (prompt === 'assword:') this.#send(password);
    }
    // A shell that edits no lines and shows no prompt: what is read is what was printed.
    this.#send('stty -echo; PS1= PS2= exec sh');
    await this.run('true');
  }

  /** @returns what the command printed @throws Error with it when the command fails or does not end */
  run(command: string): Promise<string> {
    const mine = this.#turn.then(async () => {
      // Written so that the echo of the line itself is not taken for the end.
      this.#send(`{ ${command}\n}; echo "E""ND=$?"`);
      const [text, status] = await this.#expect(/END=(\d+)/, COMMAND_MS);
      const printed = text.replaceAll('\r', '').trim();
      if (status !== '0')
        throw new Error(`'${command}' ended with ${status ?? '?'} in the guest: ${printed}`);
      return printed;
    });
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** Types a command whose end is the guest's. */
  shutDown(): void {
    this.#send('busybox sync; busybox poweroff');
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(line: string): void {
    this.#socket.write(`${line}\n`);
  }

  /** @returns what came before the match, and its first group; what was seen until then is forgotten */
  async #expect(
    pattern: RegExp,
    limitMs: number,
  ): Promise<readonly [before: string, group: string | undefined]> {
    for (const deadline = Date.now() + limitMs; ;) {
      const match = pattern.exec(this.#seen);
      if (match !== null) {
        const before = this.#seen.slice(0, match.index);
        this.#seen = this.#seen.slice(match.index + match[0].length);
        return [before, match[1]];
      }
      if (Date.now() > deadline)
        throw new Error(
          `${String(pattern)} did not come on the console; it ends with ${this.#seen.slice(-300)}`,
        );
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 500);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
