import type { AppLoadContext } from "@remix-run/node";
import { z } from "zod";
import type { CommandKind } from "../commands/types.ts";
import type { ChangeAnswer } from "../components/submission.ts";
import { merchant } from "../shopify/sign-in.server.ts";
import { answering } from "./problems.server.ts";

const changeRequest = z.object({
  operationId: z.uuid(),
  kind: z.string(),
  input: z.unknown(),
  /** The change that is asked for anew with other entries. */
  replaces: z.uuid().optional(),
  /** Only shown back to those who may see it anyway. */
  subject: z.string().trim().max(300).optional().catch(undefined),
});

/** Takes a form's change in for the person who is signed in: what every action that changes something does. */
export async function submitChange(
  { request, context }: { readonly request: Request; readonly context: AppLoadContext },
  kinds: readonly CommandKind[],
): Promise<ChangeAnswer> {
  return answering({ request, context }, async () => {
    const { shop, user } = await merchant(request, context);
    const asked = changeRequest.safeParse(await request.json().catch(() => null));
    const kind = kinds.find((known) => known === asked.data?.kind);
    if (!asked.success || !kind) {
      // No form of ours asks like this.
      const problem = { field: null, message: "This request could not be understood." };
      return { kind: "invalid", operationId: "", problems: [problem] };
    }
    const { operationId, input, subject, replaces } = asked.data;
    const answer = await context.services.commands.submit(shop, {
      operationId,
      kind,
      input,
      requestedBy: user,
      subject: subject || null,
      ...(replaces ? { replaces } : {}),
    });
    return { ...answer, operationId };
  });
}
