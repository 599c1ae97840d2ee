import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generate } from "selfsigned";

/** The sandbox's own authority and a certificate that it signed for the hosts that the sandbox plays. */
export interface Certificates {
  /** PEM file of the authority, for NODE_EXTRA_CA_CERTS. */
  readonly caFile: string;
  readonly ca: string;
  readonly key: string;
  readonly cert: string;
  remove(): Promise<void>;
}

const DAY_MS = 24 * 60 * 60 * 1_000;

/**
 * Makes an authority and one leaf certificate; both live only as long as the sandbox.
 *
 * @param hosts Names for which the leaf is valid; `*.` covers one label.
 * @param scratchDir Where the authority's file is put, in a folder of its own.
 */
export async function createCertificates(
  hosts: readonly string[],
  scratchDir = tmpdir(),
): Promise<Certificates> {
  const notBeforeDate = new Date(Date.now() - DAY_MS);
  const notAfterDate = new Date(Date.now() + 30 * DAY_MS);
  const common = { keyType: "ec", algorithm: "sha256", notBeforeDate, notAfterDate } as const;
  const authority = await generate([{ name: "commonName", value: "Evenkeel sandbox authority" }], {
    ...common,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const leaf = await generate([{ name: "commonName", value: "Evenkeel sandbox" }], {
    ...common,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames: hosts.map((value) => ({ type: 2, value })) },
    ],
  });
  const folder = await mkdtemp(join(scratchDir, "evenkeel-ca-"));
  const caFile = join(folder, "sandbox-ca.pem");
  await writeFile(caFile, authority.cert);
  return {
    caFile,
    ca: authority.cert,
    key: leaf.private,
    cert: leaf.cert,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
