import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** How often the event loop goes round before a client counts as having said all that it can say without an answer. */
const QUIET_LOOPS = 20;

/**
 * A way to a server that counts how often a client waits for it: what the client sends is held until the client, which
 * runs in this same process, has nothing more to send before it gets an answer.
 */
export class Turns implements AsyncDisposable {
  readonly #server;
  readonly #sockets = new Set<Socket>();
  /** What was said at each turn on each connection since the last {@link take}. */
  #said = new Map<Socket, string[]>();

  private constructor(port: number) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const server = connect({ port, host: "127.0.0.1", noDelay: true });
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on("error", () => undefined);
        socket.on("close", () => {
          client.destroy();
          server.destroy();
        });
      }
      server.on("data", (chunk) => client.write(chunk));
      let held: Buffer[] = [];
      let loops = 0;
      const look = () => {
        if (loops++ < QUIET_LOOPS) return void setImmediate(look);
        const all = Buffer.concat(held);
        held = [];
        const turns = this.#said.get(client) ?? [];
        this.#said.set(client, [...turns, all.toString("latin1")]);
        server.write(all);
      };
      client.on("data", (chunk: Buffer) => {
        if (held.length === 0) setImmediate(look);
        held.push(chunk);
        loops = 0;
      });
    });
  }

  static async to(port: number): Promise<Turns> {
    const turns = new Turns(port);
    turns.#server.listen(0, "127.0.0.1");
    await once(turns.#server, "listening");
    return turns;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** What has been said since this was called last: for each connection one text per turn. */
  take(): string[][] {
    const said = [...this.#said.values()];
    this.#said = new Map();
    return said;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
