import { z } from "zod";
import { defineWrite } from "../database/write.ts";
import { findings, requestRereads, saveFindings } from "../sync/rereads.server.ts";

/** Keeps what a command has found to be other than what is known here, so that whoever decides about it sees it. */
export const foundOtherwise = defineWrite(
  "command.found-otherwise",
  z.object({
    reread: z.object({ kind: z.enum(["order", "inventory_item"]), id: z.number() }),
    /** What reading it again has brought; null where it has to be read later. */
    findings: findings.nullable(),
  }),
  async (tx, input, { shop }) => {
    if (input.findings) await saveFindings(tx, shop, input.findings);
    else await requestRereads(tx, shop, [input.reread]);
    return null;
  },
);
