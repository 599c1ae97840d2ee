import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { deliver } from "../../sandbox/shopify/wire.ts";

test("a long answer waits for its reader many times, and leaves no listeners behind", async () => {
  const chunk = "x".repeat(256 * 1024);
  const chunks = 100;
  async function* body() {
    for (let n = 0; n < chunks; n++) yield chunk;
  }
  const listening = new Set<number>();
  const server = createServer((_request, response) => {
    response.on("drain", () => listening.add(response.listenerCount("close")));
    void deliver(response, { how: "whole", reply: { status: 200, headers: {}, body } }, () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const answer = await (await fetch(`http://127.0.0.1:${port}/`)).text();
    expect(answer).toHaveLength(chunk.length * chunks);
    // The same at each wait.
    expect(listening.size).toBe(1);
  } finally {
    server.close();
  }
});
