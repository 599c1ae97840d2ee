import { createServer } from "node:net";

/** The demo's addresses; each is remembered by people and by their browsers. */
export interface DemoPorts {
  admin: number;
  app: number;
  /** The first shop's; the second shop's is the next one. */
  storefront: number;
}

export const DEFAULT_PORT = 4040;

/** Four ports in a row, the admin's first. */
export function demoPorts(first: number = DEFAULT_PORT): DemoPorts {
  return { admin: first, app: first + 1, storefront: first + 2 };
}

/** One of the demo's ports is taken; the message says by what, as far as can be told, and what to do. */
export class PortsTaken extends Error {
  override readonly name = "PortsTaken";
}

/**
 * Makes sure that nobody listens on any of the ports.
 *
 * @throws {PortsTaken}
 */
export async function expectFree(ports: DemoPorts, command: string): Promise<void> {
  const taken: number[] = [];
  for (const port of [ports.admin, ports.app, ports.storefront, ports.storefront + 1]) {
    const free = await Promise.all(["127.0.0.1", "::1"].map((host) => canListen(host, port)));
    if (!free.every(Boolean)) taken.push(port);
  }
  const [first] = taken;
  if (first === undefined) return;
  const other = await otherSandbox(ports.admin);
  const elsewhere = `npm run ${command} -- --port ${ports.admin + 1000}`;
  throw new PortsTaken(
    other
      ? [
          `A sandbox is running already, at http://localhost:${ports.admin} (process ${other.pid}).`,
          `Use that one, end it with Ctrl-C in its terminal, or start another beside it: ${elsewhere}`,
        ].join("\n")
      : [
          `Port ${taken.join(" and port ")} ${taken.length === 1 ? "is" : "are"} taken by another program.`,
          `End that program, or start on other ports: ${elsewhere}`,
        ].join("\n"),
  );
}

function canListen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      // A machine without IPv6 has no ::1 that could be taken.
      resolve(error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT");
    });
    server.listen({ host, port, exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/** The sandbox whose admin listens there, if it is one. */
async function otherSandbox(adminPort: number): Promise<{ pid: number } | null> {
  try {
    const response = await fetch(`http://127.0.0.1:${adminPort}/sandbox/about`, {
      signal: AbortSignal.timeout(1000),
    });
    const about = (await response.json()) as { sandbox?: string; pid?: number };
    return about.sandbox === "evenkeel" && about.pid !== undefined ? { pid: about.pid } : null;
  } catch {
    return null;
  }
}
