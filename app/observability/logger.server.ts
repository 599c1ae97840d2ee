import { pino, type Logger } from "pino";

export type { Logger };

/**
 * The process's logger: JSON lines on stdout. What could identify a person or open a door is censored by
 * path; the rule that nothing else puts such a value into a line is held by the callers.
 */
export function createLogger(level: string): Logger {
  return pino({
    level,
    base: null,
    formatters: { level: (label) => ({ level: label }) },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    redact: {
      paths: [
        "*.accessToken",
        "*.refreshToken",
        "*.authorization",
        "headers.authorization",
        'headers["x-shopify-access-token"]',
        'headers["x-shopify-hmac-sha256"]',
        "*.email",
        "*.phone",
      ],
      censor: "[redacted]",
    },
  });
}
