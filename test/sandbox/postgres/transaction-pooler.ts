import { once } from "node:events";
import net from "node:net";

import type { Target } from "./endpoint.ts";

/** Something in front of a server that lends its connections to clients, a transaction at a time. */
export interface Pooler extends AsyncDisposable {
  readonly port: number;
  /** Transactions that met another server connection than their client's one before. */
  readonly switches?: number;
}

/** Startup packets and answers to them carry no type byte (protocol 3.0, "Message Formats"). */
const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
const KNOWN_PARAMETERS = new Set([
  ...["user", "database", "client_encoding", "datestyle", "timezone"],
  ...["standard_conforming_strings", "application_name"],
]);

/** Cuts a stream of messages into messages. */
class Messages {
  #received = Buffer.alloc(0);

  /** @param startup - Whether the next message has no type byte. */
  *read(chunk: Buffer, startup: () => boolean): Generator<Buffer> {
    this.#received = Buffer.concat([this.#received, chunk]);
    for (;;) {
      const at = startup() ? 0 : 1;
      if (this.#received.length < at + 4) return;
      const length = at + this.#received.readUInt32BE(at);
      if (this.#received.length < length) return;
      const message = this.#received.subarray(0, length);
      this.#received = this.#received.subarray(length);
      yield message;
    }
  }
}

interface Server {
  readonly socket: net.Socket;
  readonly messages: Messages;
  client: Client | null;
}

interface Client {
  readonly socket: net.Socket;
  readonly key: string;
  server: Server | null;
  /** Who served it last. */
  before: Server | null;
  /** Messages that wait for a server. */
  waiting: Buffer[];
  /** Questions whose answer has not ended yet. */
  unanswered: number;
}

/**
 * A stand-in for PgBouncer in transaction mode, for where there is none: it hands a server connection to a client from
 * a transaction's first message to its last answer, and another one the next time where it can; resets nothing in
 * between; knows no prepared statements; refuses startup parameters that it does not know; and when a server goes,
 * says so in its own words and code.
 *
 * Who signs in is passed on to the server, whose connection then joins the pool: the stand-in knows no passwords.
 */
export class TransactionPooler implements Pooler {
  readonly #target: Target;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #idle = new Map<string, Server[]>();
  readonly #lines = new Map<string, Client[]>();
  #switches = 0;

  private constructor(target: Target) {
    this.#target = target;
    this.#server = net.createServer((socket) => this.#accept(socket));
  }

  static async open(target: Target): Promise<TransactionPooler> {
    const pooler = new TransactionPooler(target);
    pooler.#server.listen(0, "127.0.0.1");
    await once(pooler.#server, "listening");
    return pooler;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  get switches(): number {
    return this.#switches;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: net.Socket): void {
    this.#hold(socket);
    const messages = new Messages();
    let client: Client | null = null;
    let signIn: Server | null = null;
    socket.on("data", (chunk: Buffer) => {
      for (const message of messages.read(chunk, () => signIn === null)) {
        if (client) this.#fromClient(client, message);
        else if (signIn) signIn.socket.write(message);
        else if (isRefused(message)) socket.write("N");
        else {
          const { parameters, unknown } = startupParameters(message);
          if (unknown) return refuse(socket, `unsupported startup parameter: ${unknown}`);
          const key = `${parameters.get("user")}@${parameters.get("database")}`;
          signIn = this.#signIn(socket, message, () => {
            client = { socket, key, server: null, before: null, waiting: [], unanswered: 0 };
            return client;
          });
        }
      }
    });
    socket.on("close", () => {
      if (client) this.#leave(client);
      else signIn?.socket.destroy();
    });
  }

  /** Lets the client sign in at the server itself; its connection is everybody's from then on. */
  #signIn(socket: net.Socket, startup: Buffer, onReady: () => Client): Server {
    const upstream = net.connect(this.#target.port, this.#target.host ?? "127.0.0.1");
    this.#hold(upstream);
    upstream.write(startup);
    const server: Server = { socket: upstream, messages: new Messages(), client: null };
    let key: string | null = null;
    upstream.on("data", (chunk: Buffer) => {
      for (const message of server.messages.read(chunk, () => false)) {
        if (key !== null) {
          this.#fromServer(server, key, message);
          continue;
        }
        socket.write(message);
        if (message.toString("latin1", 0, 1) === "Z") {
          key = onReady().key;
          this.#giveBack(server, key);
        }
      }
    });
    upstream.on("close", () => {
      if (key === null) return refuse(socket, "server login failed: the server hung up");
      this.#idle.set(
        key,
        (this.#idle.get(key) ?? []).filter((one) => one !== server),
      );
      if (server.client) refuse(server.client.socket, "server conn crashed?");
    });
    return server;
  }

  #fromClient(client: Client, message: Buffer): void {
    const type = message.toString("latin1", 0, 1);
    if (type === "X") return void client.socket.end();
    if (type === "Q" || type === "S" || type === "F") client.unanswered++;
    if (client.server) {
      client.server.socket.write(message);
      return;
    }
    client.waiting.push(message);
    if (client.waiting.length > 1) return;
    this.#lines.set(client.key, [...(this.#lines.get(client.key) ?? []), client]);
    this.#serve(client.key);
  }

  #fromServer(server: Server, key: string, message: Buffer): void {
    const { client } = server;
    if (!client) return;
    client.socket.write(message);
    if (message.toString("latin1", 0, 1) !== "Z") return;
    client.unanswered--;
    const isIdle = message.toString("latin1", 5, 6) === "I";
    if (!isIdle || client.unanswered > 0) return;
    client.server = null;
    this.#giveBack(server, key);
  }

  #giveBack(server: Server, key: string): void {
    server.client = null;
    this.#idle.set(key, [...(this.#idle.get(key) ?? []), server]);
    this.#serve(key);
  }

  #serve(key: string): void {
    const line = this.#lines.get(key) ?? [];
    const idle = this.#idle.get(key) ?? [];
    while (line[0] && idle[0]) {
      const client = line.shift()!;
      // Whoever had a connection before gets another one, if there is one: what it left behind is not there.
      const at = Math.max(
        0,
        idle.findIndex((one) => one !== client.before),
      );
      const [server] = idle.splice(at, 1);
      if (client.before && client.before !== server) this.#switches++;
      client.server = client.before = server!;
      server!.client = client;
      for (const message of client.waiting.splice(0)) server!.socket.write(message);
    }
  }

  /** A client that goes in the middle of a transaction takes its server connection with it. */
  #leave(client: Client): void {
    const line = this.#lines.get(client.key) ?? [];
    this.#lines.set(
      client.key,
      line.filter((one) => one !== client),
    );
    if (client.server) {
      client.server.client = null;
      client.server.socket.destroy();
    }
  }

  #hold(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
  }
}

function isRefused(message: Buffer): boolean {
  return [SSL_REQUEST, GSS_REQUEST].includes(message.readUInt32BE(4));
}

function startupParameters(message: Buffer) {
  const words = message.toString("utf8", 8).split("\0");
  const parameters = new Map<string, string>();
  for (let i = 0; words[i]; i += 2) parameters.set(words[i]!, words[i + 1] ?? "");
  const unknown = [...parameters.keys()].find((name) => !KNOWN_PARAMETERS.has(name.toLowerCase()));
  return { parameters, unknown };
}

/** Ends a client's connection as PgBouncer does: a fatal "protocol violation", whatever it is about. */
function refuse(socket: net.Socket, message: string): void {
  const fields = Buffer.from(`SFATAL\0C08P01\0M${message}\0\0`);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(4 + fields.length);
  socket.end(Buffer.concat([Buffer.from("E"), length, fields]));
}
