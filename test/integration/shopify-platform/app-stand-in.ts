import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { EventEmitter, once } from "node:events";

/** A request as it reached the app. */
export interface Received {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
  at: number;
}

export type Answer =
  number | "hang" | { status: number; headers?: Record<string, string>; body: string };

/** An app's server as the platform sees it: takes what comes and answers as it is told. */
export class AppStandIn {
  readonly received: Received[] = [];
  readonly #server: Server;
  readonly #events = new EventEmitter();
  url = "";
  answer: (request: Received) => Answer = () => 200;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const received: Received = {
          method: request.method ?? "",
          path: request.url ?? "",
          headers: request.headers,
          body: Buffer.concat(chunks),
          at: performance.now(),
        };
        this.received.push(received);
        const answer = this.answer(received);
        if (answer === "hang") return;
        if (typeof answer === "number") response.writeHead(answer).end();
        else response.writeHead(answer.status, answer.headers).end(answer.body);
        this.#events.emit("received");
      });
    });
  }

  static async start(): Promise<AppStandIn> {
    const app = new AppStandIn();
    await new Promise<void>((resolve) => app.#server.listen(0, "127.0.0.1", resolve));
    app.url = `http://127.0.0.1:${(app.#server.address() as AddressInfo).port}`;
    return app;
  }

  /** Resolves when `count` requests have come. */
  async has(count: number): Promise<void> {
    while (this.received.length < count) await once(this.#events, "received");
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
