import { expect, test } from "vitest";
import { DatabaseError, type DatabaseErrorClass } from "../../../app/database/errors.ts";
import { ReadRouting, type Reader } from "../../../app/database/read-routing.ts";

const routing = new ReadRouting({} as never, new Map());
const patience = {} as Parameters<ReadRouting["firstOf"]>[1];
const first = { lacks: false } as Reader;
const second = { lacks: false } as Reader;
const failure = (kind: DatabaseErrorClass) => new DatabaseError(kind, "CODE", "It failed.");

test.each(["busy", "notExecuted", "unknown", "wrongNode"] as const)(
  "a node that is %s leaves the answer to the next",
  async (kind) => {
    const answer = await routing.firstOf([first, second], patience, async (reader) => {
      if (reader === first) throw failure(kind);
      return "from the second";
    });
    expect(answer).toBe("from the second");
  },
);

test("what is the question's own fault is not asked of the next", async () => {
  const asked: Reader[] = [];
  const answer = routing.firstOf([first, second], patience, async (reader) => {
    asked.push(reader);
    throw failure("permanent");
  });
  await expect(answer).rejects.toMatchObject({ kind: "permanent" });
  expect(asked).toEqual([first]);
});

test("when all are too busy, that is the answer", async () => {
  const answer = routing.firstOf([first, second], patience, async () => {
    throw failure("busy");
  });
  await expect(answer).rejects.toMatchObject({ kind: "busy" });
});
