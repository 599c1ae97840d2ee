import type { RequestHandler } from "express";

/**
 * Lets the sandbox's admin frame the app too, by adding its origin to whatever `frame-ancestors` an answer
 * already has. Only mounted when the sandbox is on; the configuration takes loopback origins alone.
 */
export function alsoFramedBy(origin: string): RequestHandler {
  return (_request, response, next) => {
    const allow = (name: string, value: unknown) =>
      name.toLowerCase() === "content-security-policy" && typeof value === "string"
        ? value.replace(/frame-ancestors ([^;]*)/, `frame-ancestors $1 ${origin}`)
        : value;
    const set = response.setHeader.bind(response);
    const append = response.append.bind(response);
    response.setHeader = (name: string, value: number | string | readonly string[]) =>
      set(name, allow(name, value) as string);
    response.append = (name: string, value?: string | string[]) =>
      append(name, allow(name, value) as string);
    next();
  };
}
