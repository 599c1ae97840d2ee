import { createHmac } from "node:crypto";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { round, type Round } from "../measure.ts";

/** A webhook that only lacks what tells its delivery from all others. */
interface Signed {
  readonly head: string;
  readonly body: Buffer;
}

const HEAD_END = Buffer.from("\r\n\r\n");

/** Orders of about so many bytes, each signed. */
export function signedOrders(count: number, bytes: number, shop: string, secret: string): Signed[] {
  return Array.from({ length: count }, (_, n) => {
    const body = Buffer.from(order(n, bytes));
    const hmac = createHmac("sha256", secret).update(body).digest("base64");
    const head = [
      "POST /webhooks HTTP/1.1",
      "Host: bench.example.com",
      "Content-Type: application/json",
      `Content-Length: ${body.length}`,
      "X-Shopify-Topic: orders/updated",
      `X-Shopify-Shop-Domain: ${shop}`,
      "X-Shopify-API-Version: 2026-10",
      `X-Shopify-Hmac-Sha256: ${hmac}`,
      `X-Shopify-Triggered-At: ${new Date().toISOString()}`,
      "User-Agent: Shopify-Captain-Hook",
      "",
    ].join("\r\n");
    return { head, body };
  });
}

function order(n: number, bytes: number): string {
  const lines: object[] = [];
  const build = () =>
    JSON.stringify({
      id: 5_000_000_000 + n,
      admin_graphql_api_id: `gid://shopify/Order/${5_000_000_000 + n}`,
      name: `#${1000 + n}`,
      currency: "EUR",
      total_price: "119.80",
      updated_at: "2026-11-21T10:00:00+01:00",
      customer: { id: 7, first_name: "Zoë", last_name: "Müller", note: 'said "soon"' },
      line_items: lines,
    });
  while (build().length < bytes) {
    lines.push({
      id: 9_000_000_000 + lines.length,
      title: `Blue Mug ${lines.length}`,
      sku: `MUG-${n}-${lines.length}`,
      price: "12.00",
      quantity: 1 + (lines.length % 4),
      taxable: true,
      variant_title: null,
    });
  }
  return build();
}

/**
 * One connection that is kept alive, and one request at a time on it. What it costs is taken from the same machine that
 * is measured, so it does no more than it must: an answer is its status and its length.
 */
class Connection implements Disposable {
  readonly #socket: Socket;
  #answer: PromiseWithResolvers<number> | null = null;
  #received: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("close", () => this.#answer?.reject(new Error("The connection was closed.")));
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new Connection(socket);
  }

  /** @returns the answer's status. */
  send({ head, body }: Signed, id: string): Promise<number> {
    this.#answer = Promise.withResolvers();
    this.#socket.cork();
    this.#socket.write(`${head}X-Shopify-Webhook-Id: ${id}\r\nX-Shopify-Event-Id: ${id}\r\n\r\n`);
    this.#socket.write(body);
    this.#socket.uncork();
    return this.#answer.promise;
  }

  [Symbol.dispose](): void {
    this.#answer = null;
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const end = this.#received.indexOf(HEAD_END);
    if (end < 0) return;
    const head = this.#received.toString("latin1", 0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) throw new Error(`An answer has no length:\n${head}`);
    if (this.#received.length < end + HEAD_END.length + Number(length)) return;
    this.#received = Buffer.alloc(0);
    this.#answer?.resolve(Number(head.slice(9, 12)));
  }
}

/** What one round of load measured, and how many of its webhooks were acknowledged. */
export interface LoadRound extends Round {
  readonly acknowledged: number;
}

/**
 * Sends webhooks on so many connections for a while, on each the next one when the last is answered.
 *
 * @param label - Begins the ids of this round's deliveries: they are like no others.
 */
export async function load(
  port: number,
  connections: number,
  durationMs: number,
  webhooks: readonly Signed[],
  label: string,
): Promise<LoadRound> {
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)));
  const free = [...open];
  let acknowledged = 0;
  try {
    const measured = await round(connections, durationMs, async (n) => {
      const connection = free.pop()!;
      const status = await connection.send(webhooks[n % webhooks.length]!, `${label}-${n}`);
      if (status !== 200) throw new Error(`A webhook was answered ${status}.`);
      acknowledged++;
      free.push(connection);
    });
    return { ...measured, acknowledged };
  } finally {
    for (const connection of open) connection[Symbol.dispose]();
  }
}
