/**
 * The address of a picture in the width that is shown. Shopify's content network scales by `width`
 * (https://shopify.dev/docs/api/liquid/filters/image_url); other addresses stay as they are.
 */
export function pictureAddress(url: string, widthPx: number): string {
  if (!URL.canParse(url)) return url;
  const address = new URL(url);
  if (address.hostname !== "cdn.shopify.com") return url;
  address.searchParams.set("width", String(widthPx));
  return address.toString();
}
