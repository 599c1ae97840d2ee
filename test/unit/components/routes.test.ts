import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const folder = new URL("../../../app/routes/", import.meta.url);
const routes = readdirSync(folder).filter((name) => /^app(\.|$)/.test(name));
const textOf = (name: string) => readFileSync(new URL(name, folder), "utf8");
const pages = routes.filter((name) => textOf(name).includes("export default"));

/** The body of each loader and action, up to its first `await` or `submitChange`, which signs in itself. */
function firstWaits(text: string): string[] {
  return [...text.matchAll(/export async function (?:loader|action)\b/g)].map(({ index }) => {
    const [, first = ""] =
      /(?:await|return) (?!answering\()(\w+)\(/.exec(text.slice(index).replaceAll(/\s+/g, " ")) ??
      [];
    return first;
  });
}

describe("the routes of the app", () => {
  it("are found", () => {
    expect(pages.length).toBeGreaterThan(10);
  });

  it.each(routes)("%s carries the headers of the sign-in", (name) => {
    expect(textOf(name)).toMatch(/export const headers\b.*\n?.*boundary\.headers/);
  });

  it.each(routes)("%s signs the merchant in before anything else", (name) => {
    for (const first of firstWaits(textOf(name))) {
      expect(["merchant", "submitChange"]).toContain(first);
    }
  });

  it.each(pages)("%s has words for what goes wrong, and a name", (name) => {
    expect(textOf(name)).toMatch(/export function ErrorBoundary\(\)/);
    if (name !== "app.tsx") expect(textOf(name)).toMatch(/export const meta = pageTitle/);
  });
});
