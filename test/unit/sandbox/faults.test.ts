import { describe, expect, it } from "vitest";
import { FAULT_TITLES, Faults, type FaultableRequest } from "../../sandbox/shopify/faults.ts";

const adjust: FaultableRequest = {
  shop: "one.myshopify.com",
  surface: "admin",
  operationType: "mutation",
  names: ["AdjustStock", "inventoryAdjustQuantities"],
};
const list: FaultableRequest = {
  shop: "two.myshopify.com",
  surface: "admin",
  operationType: "query",
  names: ["Orders", "orders"],
};
const token: FaultableRequest = { shop: "one.myshopify.com", surface: "oauth" };

describe("faults", () => {
  it("strike the Admin API of every shop until they are cleared", () => {
    const faults = new Faults();
    const id = faults.set({ kind: "http-503" });
    expect(faults.strike(adjust)?.kind).toBe("http-503");
    expect(faults.strike(list)?.kind).toBe("http-503");
    expect(faults.strike(token)).toBeUndefined();
    faults.clear(id);
    expect(faults.strike(adjust)).toBeUndefined();
  });

  it("strike only what they are aimed at", () => {
    const aimed = (target: object) => {
      const faults = new Faults();
      faults.set({ kind: "timeout", ...target });
      return [adjust, list, token].map((request) => faults.strike(request) !== undefined);
    };
    expect(aimed({ shop: "two.myshopify.com" })).toEqual([false, true, false]);
    expect(aimed({ surface: "oauth" })).toEqual([false, false, true]);
    expect(aimed({ surface: "all" })).toEqual([true, true, true]);
    expect(aimed({ operation: "inventoryAdjustQuantities" })).toEqual([true, false, false]);
    expect(aimed({ operation: "AdjustStock" })).toEqual([true, false, false]);
    expect(aimed({ operation: /^orders$/i })).toEqual([false, true, false]);
    expect(aimed({ operationType: "query" })).toEqual([false, true, false]);
  });

  it("go after having struck as often as they were told", () => {
    const faults = new Faults();
    faults.set({ kind: "reset_peer", times: 2 });
    expect([1, 2, 3].map(() => faults.strike(list)?.kind)).toEqual([
      "reset_peer",
      "reset_peer",
      undefined,
    ]);
    expect(faults.list()).toEqual([]);
  });

  it("strike by chance when they have a probability", () => {
    const draws = [0.1, 0.9, 0.29];
    const faults = new Faults(() => draws.shift() ?? 1);
    faults.set({ kind: "throttled", probability: 0.3 });
    expect([1, 2, 3].map(() => faults.strike(list) !== undefined)).toEqual([true, false, true]);
  });

  it("strike in the order in which they were set, and are cleared by kind", () => {
    const faults = new Faults();
    faults.set({ kind: "latency", ms: 10, times: 1 });
    faults.set({ kind: "http-500" });
    expect([faults.strike(list)?.kind, faults.strike(list)?.kind]).toEqual(["latency", "http-500"]);
    faults.clear("http-500");
    expect(faults.strike(list)).toBeUndefined();
  });

  it("refuse connections only while Shopify is down, on every surface", () => {
    const faults = new Faults();
    faults.set({ kind: "down", shop: "one.myshopify.com" });
    expect(faults.refusesConnections("one.myshopify.com")).toBe(true);
    expect(faults.refusesConnections("two.myshopify.com")).toBe(false);
    expect(faults.strike(token)?.kind).toBe("down");
    faults.clear();
    faults.set({ kind: "down", how: "http-503" });
    expect(faults.refusesConnections("one.myshopify.com")).toBe(false);
    expect(faults.strike(token)?.kind).toBe("down");
  });

  it("tell those who show them when they change, with a name for people", () => {
    const faults = new Faults();
    let changes = 0;
    faults.on("change", () => (changes += 1));
    faults.set({ kind: "answer-lost", times: 1 });
    faults.strike(adjust);
    faults.clear();
    expect(changes).toBe(3);
    expect(FAULT_TITLES["answer-lost"]).toBe("Applied, but the answer was lost");
  });

  it("are refused when there is no such fault", () => {
    expect(() => new Faults().set({ kind: "tea-break" } as never)).toThrow("Unknown fault");
  });
});
