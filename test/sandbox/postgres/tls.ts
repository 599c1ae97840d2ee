import { writeFile } from "node:fs/promises";
import path from "node:path";

import { generate } from "selfsigned";

import type { PostgresNode } from "./node.ts";

/** A certificate authority of this pair's own, and a server certificate that it signed. */
export interface Certificates {
  /** PEM file to trust. */
  readonly caFile: string;
  readonly ca: string;
  readonly key: string;
  readonly cert: string;
}

/** Makes both; the server certificate holds for `names` (host names and IPv4 addresses). */
export async function makeCertificates(
  dir: string,
  names: readonly string[],
): Promise<Certificates> {
  const shared = { keyType: "ec", curve: "P-256", algorithm: "sha256" } as const;
  const ca = await generate([{ name: "commonName", value: "Evenkeel sandbox CA" }], {
    ...shared,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const server = await generate([{ name: "commonName", value: names[0] ?? "localhost" }], {
    ...shared,
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: "basicConstraints", cA: false },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: names.map((name) =>
          /^[\d.]+$/.test(name) ? { type: 7, ip: name } : { type: 2, value: name },
        ),
      },
    ],
  });
  const caFile = path.join(dir, "ca.pem");
  await writeFile(caFile, ca.cert);
  return { caFile, ca: ca.cert, key: server.private, cert: server.cert };
}

/** Puts the server certificate into a node's directory; the standby gets it with its copy. */
export async function installCertificates(
  node: PostgresNode,
  certificates: Certificates,
): Promise<Record<string, string>> {
  await node.writeDataFile("server.crt", certificates.cert);
  await node.writeDataFile("server.key", certificates.key);
  return { ssl: "on", ssl_cert_file: "server.crt", ssl_key_file: "server.key" };
}
