import { describe, expect, it } from "vitest";
import { addressLines, sameAddress } from "../../../app/components/address-lines.tsx";
import { changeAddress, ringWords } from "../../../app/components/change-badge.tsx";
import { ImportProgress } from "../../../app/components/import-progress.tsx";
import { OrdersByDay } from "../../../app/components/orders-by-day.tsx";
import { PackingSlip } from "../../../app/components/packing-slip.tsx";
import { pictureAddress } from "../../../app/components/picture-address.ts";
import { PageSkeleton } from "../../../app/components/skeletons.tsx";
import { SubmissionProblem } from "../../../app/components/submission-problem.tsx";
import type { SyncProgress } from "../../../app/sync/types.ts";
import { wordsFor } from "../../../app/words/words.ts";
import { aChange, anOrder, anOrderLine } from "../orders/fixtures.ts";
import { now, render, textOf } from "./render.tsx";

describe("an address", () => {
  const address = {
    name: "Anna Petersen",
    company: null,
    address1: "12 Main St",
    address2: "",
    zip: "97205",
    city: "Portland",
    province: "Oregon",
    country: "United States",
    countryCode: "US",
    phone: null,
  };

  it("is written in the order of its country, without empty lines", () => {
    expect(addressLines(address)).toEqual([
      "Anna Petersen",
      "12 Main St",
      "Portland, Oregon 97205",
      "United States",
    ]);
    const german = { ...address, zip: "10435", city: "Berlin", province: null, countryCode: "DE" };
    expect(addressLines({ ...german, country: "Germany" }).slice(-2)).toEqual([
      "10435 Berlin",
      "Germany",
    ]);
  });

  it("equals another one that says the same", () => {
    expect(sameAddress(address, { ...address, address2: null })).toBe(true);
    expect(sameAddress(address, { ...address, zip: "1" })).toBe(false);
    expect(sameAddress(address, null)).toBe(false);
    expect(sameAddress(null, null)).toBe(true);
  });
});

describe("where a change is", () => {
  const words = wordsFor("en");
  it.each([
    ["device", "accepted", "Kept on this device"],
    ["server", "accepted", "On the server, waiting for the database"],
    ["shopify", "accepted", "Waiting for Shopify"],
    ["shopify", "sending", "Sending to Shopify"],
    ["shopify", "unknown", "Checking with Shopify"],
    ["server", "held", "Held"],
    ["needs-you", "failed", "Needs you"],
    ["done", "done", "Done"],
    ["done", "discarded", "Discarded"],
  ] as const)("in ring %s and state %s is said as: %s", (ring, state, said) => {
    expect(ringWords(words, aChange({ ring, state }))).toBe(said);
  });

  it("leads to the order that it changes", () => {
    expect(changeAddress({ resource: "order/17" })).toBe("/app/orders/17");
    expect(changeAddress({ resource: "inventory_item/17" })).toBeNull();
  });
});

describe("a form that was not taken on", () => {
  const said = (cause: "database" | null) =>
    textOf(
      render(
        <SubmissionProblem
          answer={{ kind: "failed", operationId: "0b0c5f0e", cause, reference: "7f3c9a52" }}
        />,
      ),
    );

  it("says honestly that nothing was kept, and what is away", () => {
    const { submit } = wordsFor("en");
    expect(said("database")).toContain(submit.away);
    expect(said("database")).not.toContain(submit.failed);
    expect(said(null)).toContain(submit.failed);
  });
});

describe("a picture", () => {
  it("is asked for in the width that is shown, where the address can say so", () => {
    expect(pictureAddress("https://cdn.shopify.com/s/files/mug.jpg?v=1", 80)).toBe(
      "https://cdn.shopify.com/s/files/mug.jpg?v=1&width=80",
    );
    expect(pictureAddress("https://pictures.example/mug.jpg", 80)).toBe(
      "https://pictures.example/mug.jpg",
    );
    expect(pictureAddress("mug.jpg", 80)).toBe("mug.jpg");
  });
});

describe("orders by day", () => {
  const day = (name: string, orders: number) => ({
    day: name,
    orders,
    total: { amount: "0", currency: "EUR" },
  });

  it("are told in a sentence too, for those who do not see the bars", () => {
    const markup = render(<OrdersByDay days={[day("2026-11-20", 3), day("2026-11-21", 1)]} />);
    expect(markup).toContain('role="img"');
    expect(textOf(markup)).toContain("4 orders in all. The busiest day was Fri, Nov 20 with 3.");
  });

  it("have no chart while there are none", () => {
    const markup = render(<OrdersByDay days={[day("2026-11-21", 0)]} />);
    expect(markup).not.toContain("<svg class");
    expect(textOf(markup)).toContain("No orders in the last 14 days.");
  });
});

describe("the first import", () => {
  const progress: SyncProgress = {
    id: "1",
    kind: "import",
    state: "running",
    startedAt: now,
    finishedAt: null,
    error: null,
    phases: [
      { name: "locations", state: "done", done: 3, total: 3, cursor: null },
      { name: "products", state: "running", done: 120, total: 250, cursor: null },
      { name: "orders", state: "waiting", done: 0, total: null, cursor: null },
    ],
  };

  it("says what is ready, what is on its way, and what waits", () => {
    const text = textOf(render(<ImportProgress progress={progress} />));
    expect(text).toMatch(/Locations (Success )?Ready/);
    expect(text).toContain("Products 120 of 250");
    expect(text).toContain("Orders of the last 60 days Waiting");
  });

  it("says when it has stopped, and that it goes on by itself", () => {
    const text = textOf(render(<ImportProgress progress={{ ...progress, state: "failed" }} />));
    expect(text).toContain("The import stopped before it was finished");
    expect(text).toContain("by itself");
  });
});

describe("a packing slip", () => {
  it("names what goes into the parcel, and neither prices nor the e-mail address", () => {
    const order = anOrder({
      note: "Second floor",
      lines: [anOrderLine({ title: "كوب", quantity: 2, unfulfilledQuantity: 1 })],
    });
    const markup = render(<PackingSlip order={order} shopName="Northern Goods" />);
    const text = textOf(markup);
    expect(text).toContain("Order #1001");
    expect(text).toContain("1 of 2");
    expect(text).toContain("Second floor");
    expect(text).not.toMatch(/€|anna@example\.com/);
    expect(markup).toContain('<bdi class="ek-name">كوب</bdi>');
  });
});

describe("the room for a page that is on its way", () => {
  it.each([
    ["/app", "Overview"],
    ["/app/orders", "Orders"],
    ["/app/inventory", "Inventory"],
    ["/app/orders/17", "Loading"],
    ["/app/settings", "Settings"],
    ["/app/constructor", "Loading"],
  ])("at %s carries the name %s", (address, name) => {
    expect(textOf(render(<PageSkeleton pathname={address} />))).toContain(name);
  });

  it("fits a phone when the device is one", () => {
    const [wide, narrow] = [false, true].map((phone) =>
      render(<PageSkeleton pathname="/app/orders" />, { phone }),
    );
    expect(narrow).not.toBe(wide);
  });
});
