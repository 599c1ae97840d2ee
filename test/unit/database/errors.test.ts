import { DrizzleQueryError } from "drizzle-orm";
import { expect, test } from "vitest";
import { DatabaseError, toDatabaseError } from "../../../app/database/errors.ts";

const driver = (code: string) => Object.assign(new Error("from the driver"), { code });

test.each([
  ["40001", "rolledBack"],
  ["ECONNREFUSED", "notExecuted"],
  ["57P03", "notExecuted"],
  ["25006", "wrongNode"],
  ["CONNECTION_CLOSED", "unknown"],
  ["57P01", "unknown"],
  ["25P04", "unknown"],
  ["57014", "busy"],
  ["53100", "busy"],
  ["23505", "permanent"],
  ["42P01", "permanent"],
])("%s means %s, with or without drizzle around it", (code, kind) => {
  for (const error of [driver(code), new DrizzleQueryError("select 1", [], driver(code))]) {
    const known = toDatabaseError(error);
    expect(known).toBeInstanceOf(DatabaseError);
    expect(known).toMatchObject({ kind, code });
  }
});

test.each([
  ["pgbouncer cannot connect to server", "notExecuted"],
  ["query_wait_timeout", "notExecuted"],
  ["server login failed: FATAL the database system is starting up", "notExecuted"],
  ["no more connections allowed (max_client_conn)", "notExecuted"],
  ["server conn crashed?", "unknown"],
  ["server closed the connection unexpectedly", "unknown"],
  ["query_timeout", "unknown"],
])("a pooler's %j means %s", (message, kind) => {
  const error = Object.assign(new Error(message), { code: "08P01" });
  expect(toDatabaseError(error)).toMatchObject({ kind, code: "08P01" });
});

test("a statement's parameters never leave with the error", () => {
  const params = ["shpat_secret", "jane@example.com"];
  for (const cause of [driver("23505"), driver("UNHEARD_OF"), undefined]) {
    const known = toDatabaseError(
      new DrizzleQueryError("insert into t values ($1, $2)", params, cause),
    );
    const text = `${String(known)} ${JSON.stringify(known)} ${(known as Error).stack}`;
    for (const param of params) expect(text).not.toContain(param);
  }
});

test("what is not the database's comes back as it is", () => {
  const error = new TypeError("a bug");
  expect(toDatabaseError(error)).toBe(error);
});
