import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { constants, gunzipSync, gzipSync } from "node:zlib";
import { API_VERSION, SCHEMA_FILE, type AdminSchemaFile } from "./schema.ts";

/**
 * Fetches the Admin API's introspection anew from Shopify's own package and packs it for the sandbox:
 * `npm run schema:refresh [-- <version of @shopify/dev-mcp>]`.
 *
 * Only the package's tarball is fetched, never its dependencies, which are several hundred megabytes.
 */
const PACKAGE_VERSION = "1.16.0";

const run = promisify(execFile);

interface PublishedSchema {
  data: AdminSchemaFile["data"];
  offline_scopes: {
    items: {
      type: string;
      typeName: string;
      fieldName?: string;
      offlineScopes: string[];
      requiredAccess: string;
    }[];
  };
}

async function refresh(version: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "evenkeel-schema-"));
  try {
    const { stdout } = await run(
      "npm",
      ["pack", `@shopify/dev-mcp@${version}`, "--json", "--silent", "--pack-destination", folder],
      { cwd: folder },
    );
    const [packed] = JSON.parse(stdout) as { filename: string }[];
    if (!packed) throw new Error(`npm pack gave no file for @shopify/dev-mcp@${version}.`);
    const source = `package/dist/data/admin_${API_VERSION}.json.gz`;
    await run("tar", ["-xzf", packed.filename, source], { cwd: folder });
    const published = JSON.parse(
      gunzipSync(await readFile(join(folder, source))).toString("utf8"),
    ) as PublishedSchema;

    // Most fields need no scope of their own; leaving those entries out loses nothing.
    const scopes: AdminSchemaFile["scopes"] = published.offline_scopes.items
      .filter((entry) => entry.offlineScopes.length > 0)
      .map(({ typeName, fieldName, offlineScopes, requiredAccess }) => ({
        typeName,
        ...(fieldName === undefined ? {} : { fieldName }),
        anyOf: offlineScopes,
        requiredAccess,
      }));
    const file: AdminSchemaFile = {
      source: `@shopify/dev-mcp@${version}`,
      data: published.data,
      scopes,
    };
    const zipped = gzipSync(JSON.stringify(file), { level: constants.Z_BEST_COMPRESSION });
    await mkdir(dirname(SCHEMA_FILE), { recursive: true });
    await writeFile(SCHEMA_FILE, zipped);
    console.log(
      `${API_VERSION} from ${file.source}: ${file.data.__schema.types.length} types, ` +
        `${scopes.length} scope entries, ${Math.round(zipped.length / 1024)} KB`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await refresh(process.argv[2] ?? PACKAGE_VERSION);
