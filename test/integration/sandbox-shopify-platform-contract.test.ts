import { afterAll, beforeAll, describe, it } from "vitest";
import { cases, findSamples, type Samples } from "../contract/cases.ts";
import { contractTarget, type ContractTarget } from "../contract/target.ts";

let target: ContractTarget;
let samples: Samples;

beforeAll(async () => {
  target = await contractTarget({});
  samples = await findSamples(target);
});
afterAll(() => target.close());

describe("the sandbox keeps the contract that real stores are held to: it", () => {
  it.each(cases)("$name", async ({ run }) => {
    await run(target, samples);
  });
});
