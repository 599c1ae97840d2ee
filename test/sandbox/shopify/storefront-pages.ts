/** What the storefront's pages show of a product. */
export interface StorefrontProduct {
  readonly id: string;
  readonly title: string;
  readonly handle: string;
  readonly vendor: string;
  readonly descriptionHtml: string;
  readonly featuredMedia: {
    readonly preview: {
      readonly image: { readonly url: string; readonly altText: string | null } | null;
    } | null;
  } | null;
  readonly variants: {
    readonly nodes: readonly {
      readonly id: string;
      readonly title: string;
      readonly sku: string | null;
      /** Decimal text in the shop's currency. */
      readonly price: string;
      readonly availableForSale: boolean;
    }[];
  };
}

/** HTML that an app's theme block adds to a product page. */
export type ProductBlock = (product: StorefrontProduct) => string;

interface Shop {
  readonly name: string;
  readonly currency: string;
}

const STYLE = `
  :root { color-scheme: light; --ink: #1f2421; --quiet: #66706a; --line: #e3e6e1; --paper: #fbfbf9; }
  * { box-sizing: border-box; }
  body { margin: 0; color: var(--ink); background: var(--paper); font: 16px/1.55 system-ui, sans-serif; }
  header, main, footer { max-width: 68rem; margin: 0 auto; padding: 1.25rem 1.5rem; }
  header { display: flex; justify-content: space-between; align-items: baseline; border-bottom: 1px solid var(--line); }
  header a { font-weight: 650; font-size: 1.15rem; }
  a { color: inherit; text-decoration: none; }
  a:hover { text-decoration: underline; }
  .quiet, footer { color: var(--quiet); font-size: 0.9rem; }
  .grid { display: grid; gap: 1.75rem 1.25rem; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); padding: 0; list-style: none; }
  .picture { display: block; width: 100%; height: auto; aspect-ratio: 1; object-fit: cover; border-radius: 0.5rem; background: #eef0ec; }
  .product { display: grid; gap: 2.5rem; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
  @media (max-width: 44rem) { .product { grid-template-columns: minmax(0, 1fr); gap: 1.25rem; } }
  h1 { margin: 0 0 0.25rem; line-height: 1.2; }
  label { display: block; margin: 1.25rem 0 0.35rem; font-weight: 600; }
  select, button { width: 100%; padding: 0.7rem 0.9rem; border-radius: 0.4rem; font: inherit; }
  select { border: 1px solid #b9c0ba; background: white; }
  button { margin-top: 1rem; border: 0; color: white; background: var(--ink); }
  button:disabled { background: #9aa29c; }
  nav { display: flex; justify-content: space-between; padding: 1rem 0; }
`;

/** A page with products to choose from. */
export function productListPage(
  shop: Shop,
  products: readonly StorefrontProduct[],
  next: string | undefined,
): string {
  const cards = products.map((product) => {
    const [first] = product.variants.nodes;
    const from = product.variants.nodes.length > 1 ? "from " : "";
    return `<li><a href="/products/${encodeURIComponent(product.handle)}">
      ${picture(product)}
      <strong>${text(product.title)}</strong></a>
      <div class="quiet">${first ? from + money(first.price, shop.currency) : ""}</div></li>`;
  });
  const more = next
    ? `<nav><a rel="next" href="/?after=${encodeURIComponent(next)}">More</a></nav>`
    : "";
  return page(shop, shop.name, `<ul class="grid">${cards.join("")}</ul>${more}`);
}

/** A product with its variants, and what apps add to it. */
export function productPage(shop: Shop, product: StorefrontProduct, blocks: string): string {
  const variants = product.variants.nodes;
  const options = variants.map(
    (variant) =>
      `<option value="${numericId(variant.id)}"${variant.availableForSale ? "" : " data-sold-out"}>` +
      `${text(variant.title)}, ${money(variant.price, shop.currency)}${variant.availableForSale ? "" : " (sold out)"}</option>`,
  );
  const available = variants.some((variant) => variant.availableForSale);
  return page(
    shop,
    product.title,
    `<article class="product" data-product-id="${numericId(product.id)}">
      <div>${picture(product)}</div>
      <div>
        <h1>${text(product.title)}</h1>
        <div class="quiet">${text(product.vendor)}</div>
        <form>
          <label for="variant">Variant</label>
          <select id="variant" name="id">${options.join("")}</select>
          ${blocks}
          <button type="button"${available ? "" : " disabled"}>${available ? "Add to cart" : "Sold out"}</button>
        </form>
        <div>${product.descriptionHtml}</div>
      </div>
    </article>`,
  );
}

/** What a storefront behind a password answers to everything. */
export function passwordPage(shop: Shop): string {
  return page(
    shop,
    `${shop.name}: opening soon`,
    "<h1>Opening soon</h1><p>This store is behind a password.</p>",
  );
}

export function notFoundPage(shop: Shop): string {
  return page(
    shop,
    "Not found",
    '<h1>There is nothing here</h1><p><a href="/">All products</a></p>',
  );
}

function page(shop: Shop, title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<header><a href="/">${text(shop.name)}</a><span class="quiet">Sandbox storefront</span></header>
<main>${body}</main>
<footer>Nothing here can be bought: this shop runs on your machine.</footer>
</body>
</html>`;
}

function picture(product: StorefrontProduct): string {
  const image = product.featuredMedia?.preview?.image;
  return image
    ? `<img class="picture" src="${text(image.url)}" alt="${text(image.altText ?? product.title)}" width="600" height="600">`
    : `<div class="picture" role="img" aria-label="No picture"></div>`;
}

function money(amount: string, currency: string): string {
  return new Intl.NumberFormat("en", { style: "currency", currency }).format(Number(amount));
}

function numericId(gid: string): string {
  return gid.split("/").at(-1) ?? "";
}

function text(value: string): string {
  return value
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
