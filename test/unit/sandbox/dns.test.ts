import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import net from "node:net";

import packet from "dns-packet";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { DnsServer } from "../../sandbox/postgres/dns.ts";

let dns: DnsServer;

beforeEach(async () => {
  dns = await DnsServer.open();
  dns.set("writer.db.test", "127.0.0.2", { ttlSeconds: 7 });
});

afterEach(() => dns.close());

function resolver(): Resolver {
  const made = new Resolver({ timeout: 100, tries: 1 });
  made.setServers([...dns.resolver.servers]);
  return made;
}

describe("a name", () => {
  test("resolves to its address, with its time to live", async () => {
    const answer = await resolver().resolve4("writer.db.test", { ttl: true });

    expect(answer).toEqual([{ address: "127.0.0.2", ttl: 7 }]);
  });

  test("is found whatever its case", async () => {
    expect(await resolver().resolve4("Writer.DB.test")).toEqual(["127.0.0.2"]);
  });

  test("moves at once, and keeps its time to live", async () => {
    dns.set("writer.db.test", "127.0.0.3");

    const answer = await resolver().resolve4("writer.db.test", { ttl: true });

    expect(answer).toEqual([{ address: "127.0.0.3", ttl: 7 }]);
  });

  test("has no IPv6 address, which is no failure of the name", async () => {
    await expect(resolver().resolve6("writer.db.test")).rejects.toMatchObject({ code: "ENODATA" });
  });

  test("that was never set, or was unset, does not exist", async () => {
    dns.unset("writer.db.test");

    for (const name of ["writer.db.test", "other.db.test"]) {
      await expect(resolver().resolve4(name)).rejects.toMatchObject({ code: "ENOTFOUND" });
    }
  });

  test("is counted each time that it is asked for", async () => {
    await resolver().resolve4("writer.db.test");
    await resolver().resolve4("writer.db.test");

    expect(dns.queries("WRITER.db.test")).toBe(2);
  });
});

describe("the mode", () => {
  test("stale keeps the answer from before it began through every change", async () => {
    dns.setMode("stale");
    dns.set("writer.db.test", "127.0.0.3");
    dns.set("writer.db.test", "127.0.0.4");
    expect(await resolver().resolve4("writer.db.test")).toEqual(["127.0.0.2"]);

    dns.setMode("normal");
    expect(await resolver().resolve4("writer.db.test")).toEqual(["127.0.0.4"]);
  });

  test("both gives the address from before the change and the one from after it", async () => {
    dns.setMode("both", "writer.db.test");
    dns.set("writer.db.test", "127.0.0.3");

    expect(await resolver().resolve4("writer.db.test")).toEqual(["127.0.0.2", "127.0.0.3"]);
  });

  test("nxdomain denies that the name exists", async () => {
    dns.setMode("nxdomain", "writer.db.test");

    await expect(resolver().resolve4("writer.db.test")).rejects.toMatchObject({
      code: "ENOTFOUND",
    });
  });

  test("servfail is the server's failure, not the name's", async () => {
    dns.setMode("servfail", "writer.db.test");

    await expect(resolver().resolve4("writer.db.test")).rejects.toMatchObject({
      code: "ESERVFAIL",
    });
  });

  test("silent lets the client's own timeout decide", async () => {
    dns.setMode("silent", "writer.db.test");

    await expect(resolver().resolve4("writer.db.test")).rejects.toMatchObject({ code: "ETIMEOUT" });
    expect(dns.queries("writer.db.test")).toBeGreaterThan(0);
  });

  test("of one name leaves the others alone, and outlives a mode for all only until that is set", async () => {
    dns.set("reader.db.test", "127.0.0.3");
    dns.setMode("nxdomain", "writer.db.test");
    expect(await resolver().resolve4("reader.db.test")).toEqual(["127.0.0.3"]);

    dns.setMode("normal");
    expect(await resolver().resolve4("writer.db.test")).toEqual(["127.0.0.2"]);
  });

  test("of a name that is not there is refused", () => {
    expect(() => dns.setMode("stale", "nobody.db.test")).toThrow(/does not know nobody.db.test/);
  });
});

test("a delay holds every answer back", async () => {
  dns.setDelay(80);
  const startedAt = performance.now();
  const patient = new Resolver({ timeout: 2000, tries: 1 });
  patient.setServers([dns.server]);

  await patient.resolve4("writer.db.test");

  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(79);
});

test("TCP is answered as UDP is, also when a message comes in pieces", async () => {
  const socket = net.connect(dns.port, "127.0.0.1");
  await once(socket, "connect");
  const query = packet.streamEncode({
    type: "query",
    id: 77,
    flags: packet.RECURSION_DESIRED,
    questions: [{ type: "A", name: "writer.db.test" }],
  });
  socket.setNoDelay(true);
  socket.write(query.subarray(0, 5));
  socket.write(query.subarray(5));

  const [answer] = (await once(socket, "data")) as [Buffer];
  socket.destroy();

  const decoded = packet.streamDecode(answer);
  expect(decoded.id).toBe(77);
  expect(decoded.answers).toMatchObject([{ type: "A", data: "127.0.0.2" }]);
});

test("what is not DNS is left unanswered and harms nothing", async () => {
  const socket = net.connect(dns.port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(Buffer.from("\x00\x05hello"));

  expect(await resolver().resolve4("writer.db.test")).toEqual(["127.0.0.2"]);
  socket.destroy();
});

test("close gives the port back for both UDP and TCP", async () => {
  const { port } = dns;
  await dns.close();

  const tcp = net.createServer().listen(port, "127.0.0.1");
  await once(tcp, "listening");
  await new Promise((resolve) => tcp.close(resolve));
  dns = await DnsServer.open();
});
