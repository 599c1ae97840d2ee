import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** How TLS is spoken with the database's nodes. */
export interface TlsOptions {
  /** PEM of the authority that signed the servers' certificates. */
  readonly ca: string;
  /** The name that the certificate must carry, where it is not the host's own. */
  readonly servername?: string;
  /** PEM of the certificate and key with which the client shows who it is. */
  readonly cert?: string;
  readonly key?: string;
}

export interface DialOptions {
  /** An IP address: names are resolved before, at each connect. */
  readonly address: string;
  readonly port: number;
  /** The name that was resolved, which the certificate must carry. */
  readonly host: string;
  readonly tls?: TlsOptions;
  readonly signal: AbortSignal;
}

/** SSLRequest of the PostgreSQL protocol: length 8, code 80877103. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
/** What the server answers where it is willing to speak TLS. */
const WILLING = "S".charCodeAt(0);

/** Raised when a node cannot be reached, or does not speak TLS although it must. */
export class DialError extends Error {
  override readonly name = "DialError";
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Opens a connection to one address, with TLS if so configured, ready for the protocol's startup message.
 *
 * @throws DialError with the system's code (`ECONNREFUSED`, …), `CONNECT_TIMEOUT` when `signal` ends it first,
 *   `TLS_REFUSED` when the server speaks no TLS, or the TLS library's code for a certificate that is not trusted.
 */
export async function dial({ address, port, host, tls, signal }: DialOptions): Promise<Socket> {
  const where = `${host}:${port}`;
  const tcp = connectTcp({
    host: address,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 5_000,
  });
  await settled(tcp, "connect", where, signal);
  if (!tls) return tcp;
  tcp.write(SSL_REQUEST);
  const [answer] = (await settled(tcp, "data", where, signal)) as [Buffer];
  if (answer[0] !== WILLING) {
    tcp.destroy();
    throw new DialError(
      "TLS_REFUSED",
      `${where} does not speak TLS, but the configuration asks for it.`,
    );
  }
  const servername = tls.servername ?? host;
  const secure = connectTls({
    socket: tcp,
    ca: tls.ca,
    // The protocol allows no IP address as a server name.
    ...(isIP(servername) ? {} : { servername }),
    ...(tls.cert ? { cert: tls.cert } : {}),
    ...(tls.key ? { key: tls.key } : {}),
  });
  await settled(secure, "secureConnect", where, signal);
  return secure;
}

/** The event's arguments; destroys the socket and throws when an error, its end or the signal comes first. */
function settled(
  socket: Socket,
  event: string,
  where: string,
  signal: AbortSignal,
): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const done = () => {
      socket.off(event, onEvent);
      socket.off("error", onError);
      socket.off("close", onClose);
      signal.removeEventListener("abort", onAbort);
    };
    const fail = (error: DialError) => {
      done();
      // A destroyed socket can still emit; nobody listens any more.
      socket.on("error", () => undefined);
      socket.destroy();
      reject(error);
    };
    const onEvent = (...args: unknown[]) => {
      done();
      resolve(args);
    };
    const onError = (cause: NodeJS.ErrnoException) =>
      fail(new DialError(cause.code ?? "ECONNRESET", `${where} could not be reached.`, { cause }));
    const onClose = () => fail(new DialError("ECONNRESET", `${where} hung up at once.`));
    const onAbort = () =>
      fail(new DialError("CONNECT_TIMEOUT", `${where} did not answer in time.`));
    socket.once(event, onEvent);
    socket.once("error", onError);
    socket.once("close", onClose);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

/** How long the driver has between an error and the end of its socket: its ROLLBACK still finds one to write to. */
const CLOSE_DELAY_MS = 50;

/**
 * Makes the end of a socket harmless to postgres.js 3.4, which otherwise writes to a socket that is null (an
 * uncaught exception), tells queries nothing of a clean end, and reconnects in the middle of a transaction:
 * an `error` always comes first, later writes are swallowed, and `close` is delayed.
 *
 * @param onDead - Called once, before the driver hears of it, so that it can be told not to reconnect.
 */
export function guard(socket: Socket, onDead: () => void): Socket {
  let dead = false;
  const emit = socket.emit.bind(socket) as (event: string, ...args: unknown[]) => boolean;
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  socket.emit = ((event: string, ...args: unknown[]) => {
    // Between our hand-over and the driver's first listener an error has nobody to go to; `close` follows.
    if (event === "error" && socket.listenerCount("error") === 0) return false;
    if (event !== "close") return emit(event, ...args);
    if (dead) return false;
    dead = true;
    onDead();
    const error = Object.assign(new Error("The connection was lost."), {
      code: "CONNECTION_CLOSED",
    });
    if (socket.listenerCount("error") > 0) emit("error", error);
    setTimeout(() => emit("close", false), CLOSE_DELAY_MS);
    return true;
  }) as typeof socket.emit;
  socket.write = (...args: unknown[]) => {
    if (!dead && !socket.destroyed) return write(...args);
    const callback = args.find((arg) => typeof arg === "function") as (() => void) | undefined;
    if (callback) queueMicrotask(callback);
    return true;
  };
  return socket;
}
