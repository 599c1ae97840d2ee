import { expect, test } from "vitest";
import {
  accountProblem,
  connectionProblem,
  nodeProblem,
} from "../../../app/database/problem-words.ts";
import type { NodeStatus } from "../../../app/database/topology/states.ts";

const place = {
  host: "db.example.com",
  port: 5432,
  database: "evenkeel",
  user: "evenkeel_app",
  addressFrom: "DATABASE_NODES",
  userFrom: "DATABASE_URL",
  passwordFrom: "DATABASE_PASSWORD_FILE",
};

const node = (state: NodeStatus["state"], rest: Partial<NodeStatus> = {}): NodeStatus => ({
  id: "db.example.com:5432",
  state,
  since: new Date(),
  report: null,
  lagBytes: null,
  lagMs: null,
  lastError: null,
  ...rest,
});

const codes = [
  ...["28P01", "28000", "3D000", "42501", "53300", "57P03", "57P01"],
  ...["ECONNREFUSED", "CONNECT_TIMEOUT", "EHOSTUNREACH", "ENOTFOUND", "EAI_AGAIN", "ECONNRESET"],
  ...["TLS_REFUSED", "CERT_HAS_EXPIRED", "ERR_TLS_CERT_ALTNAME_INVALID", "PROBE_TIMEOUT"],
  ...["SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "PASSWORD_UNAVAILABLE"],
  ...["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "DEPTH_ZERO_SELF_SIGNED_CERT"],
];

test.each(codes)(
  "%s is a sentence without the code, and tells whom or what it is about",
  (code) => {
    const words = connectionProblem(code, place);
    expect(words).not.toContain(code);
    expect(words).toMatch(/^[A-Zd].+\.$/);
    expect(words).toMatch(/db\.example\.com|evenkeel_app/);
  },
);

test("a code that nobody has words for is quoted, with where to look", () => {
  expect(connectionProblem("XX000", place)).toBe(
    "db.example.com:5432 cannot be used (XX000). Check DATABASE_NODES.",
  );
});

test("the variable that is to be checked is the one that was set", () => {
  expect(connectionProblem("28P01", place)).toContain("Check DATABASE_PASSWORD_FILE");
  expect(connectionProblem("ENOTFOUND", place)).toContain("Check DATABASE_NODES");
  expect(connectionProblem("3D000", place)).toContain("at the end of DATABASE_URL");
});

test.each(["unknown", "primary", "standby"] as const)(
  "a node that is %s is no problem",
  (state) => {
    expect(nodeProblem(node(state, { lastError: "ECONNREFUSED" }), place)).toBeNull();
  },
);

test("many missing migrations are counted, the newest named", () => {
  const missingMigrations = ["0000_a", "0001_b", "0002_c", "0003_d", "0004_e"];
  const report = { missingMigrations } as unknown as NonNullable<NodeStatus["report"]>;
  const words = nodeProblem(node("readOnly", { report }), place);
  expect(words).toContain(
    "lacks 5 migrations of this release (0002_c, 0003_d, 0004_e and 2 before)",
  );
});

test("each account is sent to its own role and variable", () => {
  const system = { ...place, user: "postgres", userFrom: "DATABASE_SYSTEM_URL" };
  expect(accountProblem("system", { kind: "unbound" }, system)).toContain(
    "Put evenkeel_system into DATABASE_SYSTEM_URL",
  );
  expect(accountProblem("app", { kind: "rightless" }, place)).toContain(
    "Put evenkeel_app into DATABASE_URL",
  );
});
