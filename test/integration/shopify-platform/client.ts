import { connect, type Socket } from "node:net";
import { request as httpRequest, type RequestOptions } from "node:http";
import { readFileSync } from "node:fs";
import { connect as tlsConnect } from "node:tls";

export interface HttpAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json: () => GraphqlBody;
}

/** An answer of the Admin API or of the token endpoint. */
export interface GraphqlBody {
  data?: unknown;
  errors?: {
    message: string;
    path?: (string | number)[];
    extensions?: { code?: string; [key: string]: unknown };
  }[];
  extensions?: {
    cost: {
      requestedQueryCost: number;
      actualQueryCost: number | null;
      throttleStatus: { maximumAvailable: number; currentlyAvailable: number; restoreRate: number };
    };
  };
  [key: string]: unknown;
}

/**
 * Speaks HTTPS through the sandbox's proxy as the app's process does, with the authority's certificate,
 * on a fresh connection for each request.
 */
export function httpsThrough(
  proxyUrl: string,
  caFile: string,
  url: string,
  options: {
    method?: string;
    headers?: Record<string, string>;
    body?: string;
    timeoutMs?: number;
  } = {},
): Promise<HttpAnswer> {
  const target = new URL(url);
  const proxy = new URL(proxyUrl);
  const ca = readFileSync(caFile);
  return new Promise<HttpAnswer>((resolve, reject) => {
    const tunnel = httpRequest({
      host: proxy.hostname,
      port: proxy.port,
      method: "CONNECT",
      path: `${target.hostname}:443`,
      agent: false,
    });
    tunnel.on("error", reject);
    tunnel.on("connect", (response, socket: Socket) => {
      if (response.statusCode !== 200) {
        socket.destroy();
        reject(new Error(`The proxy answered ${response.statusCode}.`));
        return;
      }
      socket.on("error", reject);
      const secure = tlsConnect({ socket, servername: target.hostname, ca });
      secure.on("error", reject);
      const request = httpRequest({
        createConnection: () => secure,
        method: options.method ?? "GET",
        path: `${target.pathname}${target.search}`,
        headers: { host: target.hostname, ...options.headers },
      } as RequestOptions);
      if (options.timeoutMs !== undefined) {
        const timer = setTimeout(
          () => request.destroy(new Error("client timeout")),
          options.timeoutMs,
        );
        request.on("close", () => clearTimeout(timer));
      }
      request.on("error", reject);
      request.on("response", (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          secure.destroy();
          if (!answer.complete) {
            reject(new Error("The answer broke off."));
            return;
          }
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            text,
            json: () => JSON.parse(text) as GraphqlBody,
          });
        });
      });
      request.end(options.body);
    });
    tunnel.end();
  });
}

/** Opens a tunnel and nothing more; gives back the proxy's status. */
export function tunnelStatus(proxyUrl: string, host: string): Promise<number> {
  const proxy = new URL(proxyUrl);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(proxy.port), proxy.hostname);
    socket.on("error", reject);
    socket.once("data", (chunk) => {
      socket.destroy();
      resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(chunk.toString())?.[1] ?? 0));
    });
    socket.write(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`);
  });
}
