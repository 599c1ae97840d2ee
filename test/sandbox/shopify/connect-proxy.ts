import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Certificates } from "./certificates.ts";

export interface ConnectProxyOptions {
  certificates: Pick<Certificates, "key" | "cert">;
  /** Whether a host is one that the sandbox plays. */
  plays: (host: string) => boolean;
  /** Whether connecting to the host fails at this moment, as if nothing listened there. */
  refuses: (host: string) => boolean;
  /** Answers what arrives inside the tunnels. */
  handle: RequestListener;
  log: (line: string) => void;
}

/**
 * The way from the app to the sandbox: an HTTPS proxy that ends each tunnel in this process instead of
 * on the internet. The app's own client speaks TLS through it, so a reset stays a reset for it.
 */
export class ConnectProxy {
  readonly #options: ConnectProxyOptions;
  readonly #proxy: Server;
  readonly #tls: ReturnType<typeof createTlsServer>;
  /** The raw connection below each tunnel, by the client's port: only it can be reset. */
  readonly #sockets = new Map<number, Socket>();

  private constructor(options: ConnectProxyOptions) {
    this.#options = options;
    this.#tls = createTlsServer(
      // No resumption and no keep-alive limits that Shopify's edge would not have.
      { ...options.certificates, keepAliveTimeout: 60_000, requestTimeout: 0 },
      options.handle,
    );
    // A client that hangs up in the middle of a handshake is its own affair.
    this.#tls.on("tlsClientError", () => undefined);
    this.#proxy = createServer((_request, response) => {
      response.writeHead(405).end("This proxy only opens tunnels (CONNECT).");
    });
    this.#proxy.on("connect", (request, socket, head) => {
      this.#open(request.url ?? "", socket as Socket, head);
    });
  }

  static async start(options: ConnectProxyOptions): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(options);
    await new Promise<void>((resolve, reject) => {
      proxy.#proxy.once("error", reject).listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#proxy.address() as AddressInfo).port}`;
  }

  /** Cuts the connection on which a request came, with a TCP reset. */
  reset(clientPort: number | undefined): void {
    if (clientPort !== undefined) this.#sockets.get(clientPort)?.resetAndDestroy();
  }

  /** Resets every open tunnel. */
  resetAll(): void {
    for (const socket of this.#sockets.values()) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.values()) socket.destroy();
    this.#tls.closeAllConnections();
    this.#proxy.closeAllConnections();
    await new Promise<void>((resolve) => this.#proxy.close(() => resolve()));
  }

  #open(target: string, socket: Socket, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const host = target.replace(/:443$/, "").toLowerCase();
    if (!this.#options.plays(host)) {
      this.#options.log(
        `Refused a connection to ${target}: the sandbox plays only its own shops. ` +
          `Nothing leaves this machine through it.`,
      );
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      return;
    }
    if (this.#options.refuses(host)) {
      socket.resetAndDestroy();
      return;
    }
    const port = socket.remotePort;
    if (port !== undefined) {
      this.#sockets.set(port, socket);
      socket.once("close", () => this.#sockets.delete(port));
    }
    socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
    if (head.length > 0) socket.unshift(head);
    socket.setNoDelay(true);
    this.#tls.emit("connection", socket);
  }
}
