/** An HTTP answer before it goes on the wire. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | (() => AsyncIterable<string>);
}

/** What becomes of an answer on its way to the app. */
export type Delivered =
  | { readonly how: "whole"; readonly reply: Reply }
  /** Breaks off after `bytes`; half-way when absent. */
  | { readonly how: "cut"; readonly reply: Reply; readonly bytes?: number }
  /** The connection is reset. */
  | { readonly how: "reset" }
  /** The connection stays open, and nothing comes. */
  | { readonly how: "never" };

export function jsonReply(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return {
    status,
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
    body: JSON.stringify(body),
  };
}

export function htmlReply(
  status: number,
  title: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return {
    status,
    headers: { "content-type": "text/html; charset=utf-8", ...headers },
    body: `<!doctype html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`,
  };
}

/** The same answer with a body that is no longer JSON. */
export function spoil(reply: Reply): Reply {
  const { body } = reply;
  const garbage = "\n<!-- upstream error -->\n";
  if (typeof body !== "function") {
    const text = body.toString();
    return { ...reply, body: text.slice(0, Math.floor(text.length / 2)) + garbage };
  }
  return {
    ...reply,
    body: async function* () {
      for await (const chunk of body()) {
        yield chunk.slice(0, Math.floor(chunk.length / 2)) + garbage;
        return;
      }
    },
  };
}
