import { once } from "node:events";
import net from "node:net";

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Endpoint } from "../../sandbox/postgres/endpoint.ts";
import { freePort } from "../../sandbox/postgres/ports.ts";

/** Answers with what it got, after its name on connect; `end` and resets are its clients'. */
class EchoServer {
  readonly server: net.Server;
  readonly sockets = new Set<net.Socket>();
  readonly received: string[] = [];

  constructor(name: string) {
    this.server = net.createServer({ allowHalfOpen: true }, (socket) => {
      this.sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.sockets.delete(socket));
      socket.write(`${name};`);
      socket.on("data", (chunk) => {
        this.received.push(chunk.toString());
        socket.write(chunk);
      });
      socket.on("end", () => socket.end());
    });
  }

  get port(): number {
    return (this.server.address() as net.AddressInfo).port;
  }

  async open(): Promise<this> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    return this;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** A client that collects what comes and how it ended. */
class Client {
  readonly socket: net.Socket;
  text = "";
  ended: "end" | "reset" | undefined;

  constructor(port: number, host = "127.0.0.1") {
    this.socket = net.connect({ port, host, noDelay: true });
    this.socket.on("data", (chunk) => (this.text += chunk.toString("latin1")));
    this.socket.on("end", () => (this.ended ??= "end"));
    this.socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNRESET") this.ended ??= "reset";
    });
    clients.push(this);
  }

  async sees(text: string): Promise<void> {
    await expect.poll(() => this.text, { interval: 1 }).toContain(text);
  }

  async endsBy(how: "end" | "reset"): Promise<void> {
    await expect.poll(() => this.ended, { interval: 1 }).toBeDefined();
    expect(this.ended).toBe(how);
  }
}

let first: EchoServer;
let second: EchoServer;
let endpoint: Endpoint;
let clients: Client[] = [];

beforeEach(async () => {
  first = await new EchoServer("first").open();
  second = await new EchoServer("second").open();
  endpoint = await Endpoint.open({ name: "writer", target: first });
});

afterEach(async () => {
  vi.useRealTimers();
  for (const client of clients) client.socket.destroy();
  clients = [];
  await endpoint.close();
  await first.close();
  await second.close();
});

/** From here on time passes in the endpoint only as the test lets it. */
const stopTheClock = () =>
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });

async function connected(): Promise<Client> {
  const client = new Client(endpoint.port);
  await client.sees(";");
  return client;
}

describe("an endpoint", () => {
  test("carries bytes both ways", async () => {
    const client = await connected();
    client.socket.write("hello");

    await client.sees("first;hello");
  });

  test("sends new connections to where it was moved, and leaves old ones", async () => {
    const old = await connected();
    endpoint.moveTo(second);

    const young = await connected();
    old.socket.write("still here");

    await old.sees("first;still here");
    expect(young.text).toBe("second;");
  });

  test("resets old connections when it is told to, on both sides", async () => {
    const old = await connected();
    endpoint.moveTo(second, { connections: "reset" });

    await old.endsBy("reset");
    await expect.poll(() => first.sockets.size).toBe(0);
  });

  test("passes a half-closed stream on: the answer still comes after the client's end", async () => {
    const client = await connected();
    client.socket.end("last words");

    await client.sees("last words");
    await client.endsBy("end");
    await expect.poll(() => endpoint.stats.openConnections).toBe(0);
  });

  test("passes a reset on as a reset, not as an orderly end", async () => {
    const client = await connected();
    for (const socket of first.sockets) socket.resetAndDestroy();

    await client.endsBy("reset");
  });

  test("passes the client's reset on to the server", async () => {
    const client = await connected();
    const [socket] = first.sockets;
    if (!socket) throw new Error("Nobody is connected.");
    const failed = once(socket, "error");
    client.socket.resetAndDestroy();

    expect(((await failed) as [NodeJS.ErrnoException])[0].code).toBe("ECONNRESET");
  });

  test("resets its client when the target refuses, and counts it", async () => {
    endpoint.moveTo({ port: await freePort() });
    await new Client(endpoint.port).endsBy("reset");
    endpoint.moveTo(undefined);
    await new Client(endpoint.port).endsBy("reset");

    expect(endpoint.stats).toMatchObject({ failedConnections: 2, acceptedConnections: 2 });
  });

  test("moves megabytes unharmed, with and without a toxic", async () => {
    const blob = "0123456789".repeat(300_000);
    const client = await connected();
    client.socket.write(blob);
    await expect.poll(() => client.text.length).toBe("first;".length + blob.length);

    endpoint.addToxic("slow", { type: "latency", latencyMs: 5, stream: "both" });
    client.text = "";
    client.socket.write(blob);
    await expect.poll(() => client.text.length).toBe(blob.length);

    expect(client.text === blob).toBe(true);
  });

  test("counts connections, the busiest second and bytes", async () => {
    stopTheClock();
    const [client] = await Promise.all([connected(), connected(), connected()]);
    client.socket.write("hello");
    await client.sees("hello");

    expect(endpoint.stats).toEqual({
      openConnections: 3,
      acceptedConnections: 3,
      failedConnections: 0,
      upstreamBytes: "hello".length,
      downstreamBytes: "first;".length * 3 + "hello".length,
      connectsLastSecond: 3,
      peakConnectsPerSecond: 3,
    });
    expect(endpoint.connectTimesMs).toHaveLength(3);
  });

  test("listens on several addresses, and shares a port with another on other addresses", async () => {
    const port = await freePort(["127.0.0.2", "127.0.0.3"]);
    const at = (host: string) => ({ host, port });
    const ownPort = await freePort();
    await using n1 = await Endpoint.open({
      name: "n1",
      addresses: [{ host: "127.0.0.1", port: ownPort }, at("127.0.0.2")],
      target: first,
    });
    await using n2 = await Endpoint.open({
      name: "n2",
      addresses: [at("127.0.0.3")],
      target: second,
    });

    const seen = [
      new Client(n1.port),
      new Client(port, "127.0.0.2"),
      new Client(n2.port, "127.0.0.3"),
    ];
    await Promise.all(seen.map((client) => client.sees(";")));

    expect(seen.map((client) => client.text)).toEqual(["first;", "first;", "second;"]);
  });

  test("leaves no listener and no connection behind when it is closed", async () => {
    const client = await connected();
    await endpoint.close();

    await client.endsBy("reset");
    const late = net.connect(endpoint.port, "127.0.0.1");
    const [error] = (await once(late, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNREFUSED");
  });
});

describe("a new connection", () => {
  test("is refused while the endpoint refuses; open ones live on", async () => {
    const old = await connected();
    await endpoint.refuse();

    const late = net.connect(endpoint.port, "127.0.0.1");
    const [error] = (await once(late, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNREFUSED");
    old.socket.write("still here");
    await old.sees("still here");

    await endpoint.accept();
    await connected();
  });

  test("hangs in its connect while the endpoint swallows; open ones live on", async () => {
    const old = await connected();
    await endpoint.swallow();

    const late = net.connect(endpoint.port, "127.0.0.1");
    late.on("error", () => {});
    late.setTimeout(300);
    const outcome = await Promise.race([
      once(late, "connect").then(() => "connected"),
      once(late, "timeout").then(() => "hung"),
    ]);
    expect(outcome).toBe("hung");
    late.destroy();
    old.socket.write("still here");
    await old.sees("still here");

    await endpoint.accept();
    expect(endpoint.listening).toBe("accepting");
    await connected();
  });
});

describe("the toxic", () => {
  test("latency delays by its milliseconds and keeps the order", async () => {
    const client = await connected();
    endpoint.addToxic("slow", { type: "latency", latencyMs: 60, jitterMs: 20 });
    const startedAt = performance.now();
    client.socket.write("a");
    client.socket.write("b");
    await client.sees("ab");

    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(39);
  });

  test("timeout holds everything, and lets it through once it is removed", async () => {
    const client = await connected();
    endpoint.addToxic("hang", { type: "timeout", timeoutMs: 0, stream: "upstream" });
    client.socket.write("held");
    client.socket.end();
    await expect.poll(() => endpoint.stats.upstreamBytes).toBe(4);
    expect(first.received).toEqual([]);

    endpoint.removeToxic("hang");
    await client.sees("held");
    await client.endsBy("end");
  });

  test("timeout closes the connection after its time", async () => {
    endpoint.addToxic("hang", { type: "timeout", timeoutMs: 30, stream: "both" });
    const client = new Client(endpoint.port);

    await client.endsBy("end");
    expect(client.text).toBe("");
  });

  test("reset_peer resets open connections at once and new ones after its time", async () => {
    const old = await connected();
    endpoint.addToxic("cut", { type: "reset_peer" });
    await old.endsBy("reset");

    endpoint.addToxic("cut", { type: "reset_peer", timeoutMs: 50 });
    const openedAt = performance.now();
    await new Client(endpoint.port).endsBy("reset");
    expect(performance.now() - openedAt).toBeGreaterThanOrEqual(49);
  });

  test("limit_data closes after so many bytes", async () => {
    endpoint.addToxic("short", { type: "limit_data", bytes: 8 });
    const client = await connected();
    client.socket.write("hello");
    await client.endsBy("end");

    expect(client.text).toBe("first;he");
  });

  test("bandwidth bounds bytes per second", async () => {
    const client = await connected();
    endpoint.addToxic("narrow", { type: "bandwidth", bytesPerSecond: 100_000 });
    client.text = "";
    stopTheClock();
    client.socket.write("x".repeat(30_000));
    // In pieces of what 50 ms let through.
    for (let bytes = 5_000; bytes <= 30_000; bytes += 5_000) {
      await expect.poll(() => client.text.length, { interval: 1 }).toBe(bytes);
      await vi.advanceTimersByTimeAsync(50);
    }
  });

  test("slicer hands data out in pieces", async () => {
    const client = await connected();
    endpoint.addToxic("slices", { type: "slicer", pieceBytes: 3, delayMs: 5 });
    client.text = "";
    stopTheClock();
    client.socket.write("abcdefgh");
    for (const text of ["abc", "abcdef", "abcdefgh"]) {
      await expect.poll(() => client.text, { interval: 1 }).toBe(text);
      await vi.advanceTimersByTimeAsync(5);
    }
  });

  test("lost_answer lets the request through and resets the client instead of the answer", async () => {
    const client = await connected();
    endpoint.addToxic("lost", { type: "lost_answer", match: /COMMIT/ });
    client.socket.write("BEGIN;");
    await client.sees("BEGIN;");
    client.socket.write("COMMIT;");
    await client.endsBy("reset");

    expect(first.received).toEqual(["BEGIN;", "COMMIT;"]);
    expect(client.text).toBe("first;BEGIN;");
  });

  test("toxicity spares a share of the connections, for their whole life", async () => {
    const throws = [0.1, 0.9];
    await endpoint.close();
    endpoint = await Endpoint.open({
      name: "half",
      target: first,
      random: () => throws.shift() ?? 0.5,
    });
    endpoint.addToxic("cut", { type: "reset_peer", toxicity: 0.5 });

    await new Client(endpoint.port).endsBy("reset");
    const spared = await connected();
    spared.socket.write("hello");
    await spared.sees("hello");
  });

  test("is replaced by another of its name, and clearing removes all", () => {
    endpoint.addToxic("slow", { type: "latency", latencyMs: 5 });
    endpoint.addToxic("slow", { type: "latency", latencyMs: 9 });
    expect([...endpoint.toxics]).toEqual([["slow", { type: "latency", latencyMs: 9 }]]);

    expect(endpoint.removeToxic("unknown")).toBe(false);
    endpoint.clearToxics();
    expect(endpoint.toxics.size).toBe(0);
  });
});

test("a black hole swallows connects and traffic alike; healed, what was held arrives", async () => {
  const client = await connected();
  await endpoint.blackhole();
  client.socket.write("into the dark");
  await expect.poll(() => endpoint.stats.upstreamBytes).toBeGreaterThan(0);
  expect(first.received).toEqual([]);

  await endpoint.heal();
  await client.sees("into the dark");
  await connected();
});
