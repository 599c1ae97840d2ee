import dgram from "node:dgram";
import { once } from "node:events";
import net from "node:net";

import packet, { type Answer, type DecodedPacket, type Packet } from "dns-packet";

/**
 * How a name is answered.
 * - `normal`: what it is set to.
 * - `stale`: what it was set to when this mode began, whatever it is set to since: a cache that lives too long.
 * - `both`: the addresses from before the last change and after it, in this order: a change half-way through.
 * - `nxdomain`: there is no such name.
 * - `servfail`: the server failed.
 * - `silent`: no answer at all.
 */
export type DnsMode = "normal" | "stale" | "both" | "nxdomain" | "servfail" | "silent";

interface DnsRecord {
  addresses: readonly string[];
  previous: readonly string[];
  ttlSeconds: number;
  mode: DnsMode | undefined;
  frozen: readonly string[] | undefined;
}

// RFC 1035, section 4.1.1: codes that dns-packet takes as part of the flags.
const SERVFAIL = 2;
const NXDOMAIN = 3;

/** The shortest that providers use: 5 s for RDS, 30 s elsewhere. */
const DEFAULT_TTL_SECONDS = 5;

/** A DNS server in this process, over UDP and TCP, for the names that RDS and DigitalOcean would move. */
export class DnsServer implements AsyncDisposable {
  readonly #udp: dgram.Socket;
  readonly #tcp: net.Server;
  readonly #tcpClients = new Set<net.Socket>();
  readonly #records = new Map<string, DnsRecord>();
  readonly #queries = new Map<string, number>();
  #mode: DnsMode = "normal";
  #delayMs = 0;

  private constructor(udp: dgram.Socket, tcp: net.Server) {
    this.#udp = udp;
    this.#tcp = tcp;
    udp.on("message", (message, from) => {
      this.#answer(message, (answer) => {
        // Who asked may be gone by now; a datagram that nobody takes is no error.
        udp.send(packet.encode(answer), from.port, from.address, () => {});
      });
    });
    tcp.on("connection", (client) => this.#serveTcp(client));
  }

  /** Opens the server on a free port of 127.0.0.1, the same for UDP and TCP. */
  static async open(): Promise<DnsServer> {
    for (let attempt = 1; ; attempt++) {
      const udp = dgram.createSocket("udp4");
      udp.bind(0, "127.0.0.1");
      await once(udp, "listening");
      const tcp = net.createServer();
      tcp.listen({ host: "127.0.0.1", port: udp.address().port, exclusive: true });
      try {
        await once(tcp, "listening");
        return new DnsServer(udp, tcp);
      } catch (error) {
        udp.close();
        if (attempt === 20) throw error;
      }
    }
  }

  get port(): number {
    return this.#udp.address().port;
  }

  /** Its address as `dns.Resolver.setServers` and DATABASE_DNS_SERVER take it. */
  get server(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** What to hand to a resolver. */
  get resolver(): { readonly servers: readonly string[] } {
    return { servers: [this.server] };
  }

  /** The names that it knows, and what each is set to. */
  get records(): ReadonlyMap<string, readonly string[]> {
    return new Map([...this.#records].map(([name, record]) => [name, record.addresses]));
  }

  /** Sets the IPv4 addresses of a name. */
  set(name: string, addresses: string | readonly string[], options: { ttlSeconds?: number } = {}) {
    const key = name.toLowerCase();
    const next = typeof addresses === "string" ? [addresses] : addresses;
    const old = this.#records.get(key);
    this.#records.set(key, {
      addresses: next,
      previous: old?.addresses ?? next,
      ttlSeconds: options.ttlSeconds ?? old?.ttlSeconds ?? DEFAULT_TTL_SECONDS,
      mode: old?.mode,
      frozen: old?.frozen,
    });
  }

  /** Forgets a name. */
  unset(name: string): void {
    this.#records.delete(name.toLowerCase());
  }

  /** How names are answered that have no mode of their own. */
  get mode(): DnsMode {
    return this.#mode;
  }

  /** Sets how a name is answered, or, without one, every name that has no mode of its own. */
  setMode(mode: DnsMode, name?: string): void {
    const concerned = name === undefined ? [...this.#records.values()] : [this.#known(name)];
    for (const record of concerned) {
      if (name === undefined) record.mode = undefined;
      else record.mode = mode;
      record.frozen = mode === "stale" ? record.addresses : undefined;
    }
    if (name === undefined) this.#mode = mode;
  }

  /** Lets every answer come later; 0 ends it. */
  setDelay(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** How often a name has been asked for, any type and mode. */
  queries(name: string): number {
    return this.#queries.get(name.toLowerCase()) ?? 0;
  }

  async close(): Promise<void> {
    for (const client of this.#tcpClients) client.destroy();
    const closed = once(this.#udp, "close");
    this.#udp.close();
    await closed;
    await new Promise<void>((resolve) => this.#tcp.close(() => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #known(name: string): DnsRecord {
    const record = this.#records.get(name.toLowerCase());
    if (!record) throw new Error(`The DNS server does not know ${name}.`);
    return record;
  }

  #serveTcp(client: net.Socket): void {
    this.#tcpClients.add(client);
    client.on("close", () => this.#tcpClients.delete(client));
    client.on("error", () => {});
    let received = Buffer.alloc(0);
    client.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      // Two bytes of length before each message (RFC 1035, section 4.2.2).
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const length = received.readUInt16BE(0);
        this.#answer(received.subarray(2, 2 + length), (answer) => {
          if (!client.destroyed) client.write(packet.streamEncode(answer));
        });
        received = received.subarray(2 + length);
      }
    });
  }

  #answer(message: Buffer, send: (answer: Packet) => void): void {
    let query: DecodedPacket;
    try {
      query = packet.decode(message);
    } catch {
      return;
    }
    const answer = this.#answerTo(query);
    if (!answer) return;
    if (this.#delayMs === 0) send(answer);
    else setTimeout(() => send(answer), this.#delayMs).unref();
  }

  #answerTo(query: DecodedPacket): Packet | undefined {
    const question = query.questions?.[0];
    if (!question) return undefined;
    const name = question.name.toLowerCase();
    this.#queries.set(name, this.queries(name) + 1);
    const record = this.#records.get(name);
    const mode = record?.mode ?? this.#mode;
    if (mode === "silent") return undefined;
    const answer = (code: number, answers: Answer[] = []): Packet => ({
      type: "response",
      id: query.id ?? 0,
      flags: packet.AUTHORITATIVE_ANSWER | packet.RECURSION_AVAILABLE | code,
      questions: [question],
      answers,
    });
    if (mode === "servfail") return answer(SERVFAIL);
    if (!record || mode === "nxdomain") return answer(NXDOMAIN);
    // Other types of a name that exists: no error, no records.
    if (question.type !== "A") return answer(0);
    let addresses = record.addresses;
    if (mode === "stale") addresses = record.frozen ?? record.addresses;
    if (mode === "both") addresses = [...new Set([...record.previous, ...record.addresses])];
    return answer(
      0,
      addresses.map((data) => ({ type: "A", name: question.name, ttl: record.ttlSeconds, data })),
    );
  }
}
