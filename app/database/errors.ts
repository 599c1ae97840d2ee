/**
 * What an error means for whoever asked, whatever driver said it:
 *
 * - `rolledBack`: the transaction was undone by the database and can be run again as it is;
 * - `notExecuted`: nothing reached a database; can be asked again;
 * - `wrongNode`: the node that answered cannot write; can be asked again elsewhere;
 * - `unknown`: the answer was lost on the way; a write may have happened;
 * - `busy`: the database refused for now; the caller decides;
 * - `permanent`: asking again will not help.
 */
export type DatabaseErrorClass =
  "rolledBack" | "notExecuted" | "wrongNode" | "unknown" | "busy" | "permanent";

/**
 * The only error that leaves `app/database/`. It never carries a statement's parameters: drizzle's own
 * message does, and parameters hold tokens and personal data.
 */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";

  readonly kind: DatabaseErrorClass;
  /** The SQLSTATE or the driver's code, for the log. */
  readonly code: string;

  constructor(kind: DatabaseErrorClass, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.code = code;
  }
}

/** Raised when an operation id comes back with another input than the first time. */
export class OperationMismatchError extends Error {
  override readonly name = "OperationMismatchError";

  readonly operationId: string;

  constructor(operationId: string) {
    super(`The operation ${operationId} was already used for a different change.`);
    this.operationId = operationId;
  }
}

const byCode: Readonly<Record<string, DatabaseErrorClass>> = {
  "40001": "rolledBack",
  "40P01": "rolledBack",
  ECONNREFUSED: "notExecuted",
  ENOTFOUND: "notExecuted",
  EAI_AGAIN: "notExecuted",
  CONNECT_TIMEOUT: "notExecuted",
  "57P03": "notExecuted",
  "53300": "notExecuted",
  "08001": "notExecuted",
  "08004": "notExecuted",
  "25006": "wrongNode",
  CONNECTION_CLOSED: "unknown",
  CONNECTION_DESTROYED: "unknown",
  CONNECTION_ENDED: "unknown",
  ECONNRESET: "unknown",
  EPIPE: "unknown",
  ETIMEDOUT: "unknown",
  "08000": "unknown",
  "08003": "unknown",
  "08006": "unknown",
  "08007": "unknown",
  "40003": "unknown",
  "57P01": "unknown",
  "57P02": "unknown",
  "57P05": "unknown",
  // The server's own limits on a transaction's time end the session.
  "25P03": "unknown",
  "25P04": "unknown",
  "57014": "busy",
  "55P03": "busy",
  "53400": "busy",
  // Out of disk, out of memory: the server's trouble for now, not the statement's own.
  "53100": "busy",
  "53200": "busy",
};

/**
 * Poolers have but one code for whatever befalls a connection, a "protocol violation". Most of it can come at any
 * moment; only what they say while nothing was passed on yet is known to have had no effect.
 */
const POOLER_ERROR = "08P01";
const POOLER_REFUSALS =
  /cannot connect to server|server login (has been )?fail|query_wait_timeout|client_login_timeout|no more connections allowed|too many connections|server is lame|pgbouncer is (shutting down|paused)|the database system is (starting up|shutting down|in recovery mode)|connect_query failed|bouncer config error/i;

function poolerClass(message: string): DatabaseErrorClass {
  return POOLER_REFUSALS.test(message) ? "notExecuted" : "unknown";
}

/** The driver's error below drizzle's wrapping, if `error` is one at all. */
function driverError(error: unknown): { code: string; message: string } | undefined {
  for (let e = error; e instanceof Error; e = e.cause) {
    if ("code" in e && typeof e.code === "string" && e.constructor.name !== "DrizzleQueryError") {
      return { code: e.code, message: e.message };
    }
  }
  return undefined;
}

/** Whether `code` comes from the database or its driver, and so has a class. */
function classOf({ code, message }: { code: string; message: string }) {
  if (code === POOLER_ERROR) return poolerClass(message);
  // SQLSTATEs are five characters of digits and capitals; what is not listed above will fail again.
  return byCode[code] ?? (/^[0-9A-Z]{5}$/.test(code) ? "permanent" : undefined);
}

/**
 * Turns what the driver or drizzle threw into a {@link DatabaseError}; anything else comes back as it is.
 * The message of a `permanent` error can quote a value ("Key (email)=(…) already exists" is in the detail,
 * which is dropped; the message itself names constraints and columns only).
 */
export function toDatabaseError(error: unknown): unknown {
  if (error instanceof DatabaseError) return error;
  const driver = driverError(error);
  const kind = driver && classOf(driver);
  if (!driver || !kind) {
    // A DrizzleQueryError without a known cause still must not leak its parameters.
    return error instanceof Error && error.constructor.name === "DrizzleQueryError"
      ? new DatabaseError("unknown", "UNCLASSIFIED", "The database did not answer as expected.")
      : error;
  }
  return new DatabaseError(kind, driver.code, driver.message);
}
