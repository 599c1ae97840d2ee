/** How the pages of one document are written: decided by the server, the same in the browser. */
export interface Presentation {
  /** BCP 47; of the merchant's admin, or of the browser where the admin does not say. */
  readonly locale: string;
  /** IANA; the shop's. */
  readonly timeZone: string;
  /** ISO 4217; the shop's. */
  readonly currency: string;
  /** Whether the device is probably a phone: decides the first layout, before the browser has measured. */
  readonly phone: boolean;
  /** The server's clock when it answered: ages in the page are counted from here until scripts run. */
  readonly renderedAt: Date;
}

/** For where nothing is known: outside the app's frame, and after the frame itself has failed. */
export const plainPresentation: Omit<Presentation, "renderedAt"> = {
  locale: "en",
  timeZone: "UTC",
  currency: "USD",
  phone: false,
};

/**
 * Reads from a request how its pages are to be written. The admin names its locale at the first load only;
 * the browser keeps what it was first told.
 */
export function readPresentation(
  request: Request,
  shop: { readonly timeZone: string | null; readonly currency: string | null } | null,
): Presentation {
  const asked = new URL(request.url).searchParams.get("locale");
  const accepted = request.headers.get("accept-language")?.split(/[,;]/)[0]?.trim();
  const platform = request.headers.get("sec-ch-ua-mobile");
  const agent = request.headers.get("user-agent") ?? "";
  return {
    locale: asked || (accepted && accepted !== "*" ? accepted : plainPresentation.locale),
    timeZone: shop?.timeZone ?? plainPresentation.timeZone,
    currency: shop?.currency ?? plainPresentation.currency,
    phone: platform ? platform === "?1" : /\bMobile\b/.test(agent),
    renderedAt: new Date(),
  };
}
