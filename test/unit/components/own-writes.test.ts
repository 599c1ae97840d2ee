import { afterEach, expect, test, vi } from "vitest";
import { OWN_WRITES_HEADER, withOwnWrites } from "../../../app/components/own-writes.ts";

const ORIGIN = "https://app.example.com";
const MARK = "7449000000000000000-1-3000060-1795000000000";

/** A server that has just written something when it is posted to, and the headers that it was sent. */
function make(sessionStorage?: Pick<Storage, "getItem" | "setItem">) {
  const kept = new Map<string, string>();
  const sent: (string | null)[] = [];
  const server: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    sent.push(request.headers.get(OWN_WRITES_HEADER));
    const headers = request.method === "POST" ? { [OWN_WRITES_HEADER]: MARK } : {};
    return new Response(request.headers.get("authorization"), { headers });
  };
  const own = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
  const browser = {
    location: { href: `${ORIGIN}/app`, origin: ORIGIN },
    sessionStorage: sessionStorage ?? own,
  };
  return { ask: withOwnWrites(server, browser), sent };
}

afterEach(() => void vi.useRealTimers());

test("what was written is told with each request of the next minute, to our own server alone", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const { ask, sent } = make();
  await ask(`${ORIGIN}/app/orders.data`);
  await ask(`${ORIGIN}/app/orders.data`, { method: "POST" });
  await ask(`${ORIGIN}/app/orders.data`);
  await ask(new Request(`${ORIGIN}/app/orders.data`));
  await ask("https://elsewhere.example.com/");
  vi.setSystemTime(Date.now() + 60_000);
  await ask(`${ORIGIN}/app/orders.data`);
  expect(sent).toEqual([null, null, MARK, MARK, null, null]);
});

test("what the caller sends stays", async () => {
  const { ask } = make();
  const headers = { authorization: "Bearer token" };
  const answers = [
    await ask(`${ORIGIN}/a`, { method: "POST", headers }),
    await ask(new Request(`${ORIGIN}/a`, { headers })),
  ];
  for (const answer of answers) expect(await answer.text()).toBe("Bearer token");
});

test("where the browser refuses its storage the tab remembers by itself", async () => {
  const refuse = () => {
    throw new DOMException("The operation is insecure.", "SecurityError");
  };
  const { ask, sent } = make({ getItem: refuse, setItem: refuse });
  await ask(`${ORIGIN}/a`, { method: "POST" });
  await ask(`${ORIGIN}/a`);
  expect(sent).toEqual([null, MARK]);
});
