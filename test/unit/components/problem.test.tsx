import { UNSAFE_ErrorResponseImpl as ErrorResponse } from "@remix-run/router";
import { describe, expect, it } from "vitest";
import { ProblemPage } from "../../../app/components/error-boundary.tsx";
import { readProblem, type PageProblem } from "../../../app/components/problem.ts";
import { answerForm, orElse } from "../../../app/components/submission.ts";
import { render, textOf } from "./render.tsx";

const failed: PageProblem = { kind: "failed", cause: "database", reference: "7f3c9a52" };
const signIn = new ErrorResponse(410, "", "<script>/* takes the browser elsewhere */</script>");

describe("what was thrown", () => {
  it("is read as the server's own words about it", () => {
    expect(readProblem(new ErrorResponse(503, "", failed))).toEqual(failed);
    const gone: PageProblem = { kind: "not-found", what: "order" };
    expect(readProblem(new ErrorResponse(404, "", gone))).toEqual(gone);
  });

  it("is left to the sign-in when it is one of its pages", () => {
    expect(readProblem(signIn)).toBeNull();
  });

  it.each([
    ["an empty answer", new ErrorResponse(500, "", "")],
    ["an answer of a proxy", new ErrorResponse(502, "", "Bad Gateway")],
    ["a fault in a page", new Error("Unexpected Server Error")],
    ["anything else", "?"],
  ])("is a fault of ours when it is %s", (_what, error) => {
    expect(readProblem(error)).toEqual({ kind: "failed", cause: null, reference: null });
  });

  it("is the network when nothing came back", () => {
    expect(readProblem(new TypeError("Failed to fetch"))).toEqual({ kind: "unreachable" });
  });

  it("is a missing page when the answer is 404", () => {
    expect(readProblem(new ErrorResponse(404, "Not Found", ""))).toEqual({
      kind: "not-found",
      what: "page",
    });
  });
});

describe("the page in place of one that cannot be shown", () => {
  it.each([
    failed,
    { kind: "failed", cause: null, reference: "7f3c9a52" },
    { kind: "unreachable" },
  ] satisfies PageProblem[])("says of %j what is safe, and offers to try again", (problem) => {
    const text = textOf(render(<ProblemPage problem={problem} />));
    expect(text).toContain("safe");
    expect(text).toContain("Try again");
    expect(text.includes("7f3c9a52")).toBe(problem.kind === "failed");
  });

  it.each(["order", "product", "page"] as const)("leads back from an unknown %s", (what) => {
    const markup = render(<ProblemPage problem={{ kind: "not-found", what }} />);
    expect(markup).toMatch(/<a [^>]*href="\/app/);
    expect(textOf(markup)).not.toContain("Try again");
  });
});

describe("a form's answer", () => {
  const request = () =>
    new Request("https://app.example/app/inventory", {
      method: "POST",
      body: JSON.stringify({ operationId: "0b0c5f0e", kind: "inventory.adjust", input: {} }),
    });
  const failing = (error: unknown) => async (): Promise<never> => {
    throw error;
  };
  const answerTo = (error: unknown) => answerForm(request(), failing(error));

  it("is that nothing came back, when the network failed", async () => {
    expect(await answerTo(new TypeError("Failed to fetch"))).toEqual({
      kind: "unreachable",
      operationId: "0b0c5f0e",
    });
  });

  it("is a fault of ours with its reference, when the server said so", async () => {
    expect(await answerTo(new ErrorResponse(503, "", failed))).toEqual({
      kind: "failed",
      operationId: "0b0c5f0e",
      cause: "database",
      reference: "7f3c9a52",
    });
  });

  it("never swallows the sign-in's pages and redirects", async () => {
    await expect(answerTo(signIn)).rejects.toBe(signIn);
    const redirect = new Response(null, { status: 302 });
    await expect(answerTo(redirect)).rejects.toBe(redirect);
    await expect(orElse(failing(signIn), null)).rejects.toBe(signIn);
  });
});
