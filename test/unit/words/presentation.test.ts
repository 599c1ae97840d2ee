import { describe, expect, it } from "vitest";
import { readPresentation } from "../../../app/words/presentation.ts";

const berlin = { timeZone: "Europe/Berlin", currency: "EUR" };
const ask = (address: string, headers: Record<string, string> = {}) =>
  readPresentation(new Request(`https://app.example${address}`, { headers }), berlin);

describe("how a page is written", () => {
  it("follows the language of the admin, which the first address names", () => {
    expect(ask("/app?locale=de&shop=a", { "accept-language": "fr" }).locale).toBe("de");
  });

  it("follows the browser where the address says nothing, and is English where nobody does", () => {
    expect(ask("/app", { "accept-language": "fr-CA,fr;q=0.9" }).locale).toBe("fr-CA");
    expect(ask("/app", { "accept-language": "*" }).locale).toBe("en");
    expect(ask("/app").locale).toBe("en");
  });

  it("follows the shop's time zone and currency, as soon as they are known", () => {
    expect(ask("/app")).toMatchObject(berlin);
    const unknown = readPresentation(new Request("https://app.example/app"), null);
    expect(unknown).toMatchObject({ timeZone: "UTC", currency: "USD" });
  });

  it.each([
    [{ "sec-ch-ua-mobile": "?1" }, true],
    [{ "sec-ch-ua-mobile": "?0", "user-agent": "Mobile" }, false],
    [{ "user-agent": "Mozilla/5.0 (iPhone) AppleWebKit Mobile/15E148 Safari" }, true],
    [{ "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/147" }, false],
    [{}, false],
  ])("takes %j for a phone: %s", (headers, phone) => {
    expect(ask("/app", headers as Record<string, string>).phone).toBe(phone);
  });
});
