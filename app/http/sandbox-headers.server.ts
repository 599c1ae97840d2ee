import type { RequestHandler } from "express";

/**
 * Fits the headers that the sign-in library sets to the sandbox, which it does not know: its admin may frame the
 * app too, beside whoever may already, and App Bridge is loaded early from where it will be asked for. Only
 * mounted when the sandbox is on; the configuration takes loopback addresses alone.
 */
export function sandboxHeaders(adminOrigin: string, appBridgeUrl: string | null): RequestHandler {
  const fit = (name: string, value: unknown) => {
    if (typeof value !== "string") return value;
    switch (name.toLowerCase()) {
      case "content-security-policy":
        return value.replace(/frame-ancestors ([^;]*)/, `frame-ancestors $1 ${adminOrigin}`);
      case "link":
        return appBridgeUrl === null
          ? value
          : value.replace(/<[^>]*\/app-bridge\.js>/, `<${appBridgeUrl}>`);
      default:
        return value;
    }
  };
  return (_request, response, next) => {
    const set = response.setHeader.bind(response);
    const append = response.append.bind(response);
    response.setHeader = (name: string, value: number | string | readonly string[]) =>
      set(name, fit(name, value) as string);
    response.append = (name: string, value?: string | string[]) =>
      append(name, fit(name, value) as string);
    next();
  };
}
