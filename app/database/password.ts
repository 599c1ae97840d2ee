import { readFile } from "node:fs/promises";
import { DatabaseError } from "./errors.ts";

/** A callback is asked at each connect: passwords that are rotated, tokens that end (IAM). */
export type Password = string | (() => string | Promise<string>);

/** A password that lies in a file and is read anew at each connect, since Kubernetes and Docker replace such files. */
export function passwordFile(path: string): () => Promise<string> {
  // Editors and `echo` end a file with a line break; no password does.
  return async () => (await readFile(path, "utf8")).replace(/\r?\n$/, "");
}

/**
 * What to sign in with now. Asked for before the server is dialled, so that a slow callback holds no session of the
 * server's, and never by the driver, which turns a callback that throws into an unhandled rejection.
 *
 * @throws DatabaseError `notExecuted` when the callback fails or `signal` ends it. Nothing of what the callback said is
 *   in it: that may hold the secret.
 */
export async function askPassword(
  password: Password,
  user: string,
  signal: AbortSignal,
): Promise<string> {
  if (typeof password === "string") return password;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const onAbort = () =>
    reject(
      new DatabaseError(
        "notExecuted",
        "PASSWORD_TIMEOUT",
        `The password of ${user} was not handed out in time.`,
      ),
    );
  const onFailure = (error: unknown) => {
    const { code } = Object(error) as { code?: unknown };
    const why = typeof code === "string" && /^E[A-Z]+$/.test(code) ? ` (${code})` : "";
    reject(
      new DatabaseError(
        "notExecuted",
        "PASSWORD_UNAVAILABLE",
        `The password of ${user} could not be had${why}.`,
      ),
    );
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    if (signal.aborted) onAbort();
    // A callback may throw before it gives a promise.
    else void Promise.resolve().then(password).then(resolve, onFailure);
    return await promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
