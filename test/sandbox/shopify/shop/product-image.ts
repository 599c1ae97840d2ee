import type { Picture } from "./model.ts";
import type { ShopStore } from "./store.ts";

/** Simple pictures of things, drawn on a canvas of 100 × 100; `c` is the thing's colour, `d` a darker one. */
const shapes: Readonly<Record<string, (c: string, d: string) => string>> = {
  tent: (c, d) =>
    `<path d="M50 22 12 78h76z" fill="${c}"/><path d="M50 22 36 78h28z" fill="${d}"/><path d="M50 36 44 78h12z" fill="#fff" opacity=".35"/><path d="M8 78h84" stroke="${d}" stroke-width="2" stroke-linecap="round"/>`,
  backpack: (c, d) =>
    `<path d="M40 24c0-12 20-12 20 0" fill="none" stroke="${d}" stroke-width="4"/><rect x="28" y="24" width="44" height="56" rx="14" fill="${c}"/><rect x="34" y="52" width="32" height="22" rx="5" fill="${d}"/><path d="M34 42h32" stroke="${d}" stroke-width="3"/><rect x="22" y="46" width="8" height="26" rx="4" fill="${d}"/><rect x="70" y="46" width="8" height="26" rx="4" fill="${d}"/>`,
  jacket: (c, d) =>
    `<path d="m38 20-20 12-6 40 12 2 4-22v30h44V52l4 22 12-2-6-40-20-12c-4 8-20 8-24 0z" fill="${c}"/><path d="M50 26v56" stroke="${d}" stroke-width="2.5"/><path d="M34 60h9M57 60h9" stroke="${d}" stroke-width="2.5" stroke-linecap="round"/>`,
  sweater: (c, d) =>
    `<path d="m38 22-20 10-6 42 12 2 4-22v28h44V54l4 22 12-2-6-42-20-10c-4 7-20 7-24 0z" fill="${c}"/><path d="M28 46h44M28 54h44" stroke="${d}" stroke-width="3" stroke-dasharray="4 4"/><path d="M28 78h44" stroke="${d}" stroke-width="4"/>`,
  boot: (c, d) =>
    `<path d="M34 18h24v34l22 10c6 3 6 10 6 14H30c-2-20 4-36 4-58z" fill="${c}"/><path d="M28 76h60v7H28z" fill="${d}"/><path d="M58 28h-12M58 38h-13M58 48h-14" stroke="#fff" stroke-width="2.5" stroke-linecap="round"/>`,
  bag: (c, d) =>
    `<rect x="32" y="14" width="36" height="72" rx="18" fill="${c}"/><path d="M32 40h36M32 56h36M32 70h36" stroke="${d}" stroke-width="2"/><circle cx="50" cy="27" r="8" fill="${d}"/>`,
  bottle: (c, d) =>
    `<rect x="42" y="12" width="16" height="12" rx="3" fill="${d}"/><path d="M44 24h12c10 6 12 12 12 20v36a8 8 0 0 1-8 8H40a8 8 0 0 1-8-8V44c0-8 2-14 12-20z" fill="${c}"/><path d="M40 46v32" stroke="#fff" stroke-width="3" stroke-linecap="round" opacity=".5"/>`,
  mug: (c, d) =>
    `<path d="M66 40h8c14 0 14 26 0 26h-8" fill="none" stroke="${d}" stroke-width="6"/><path d="M24 30h44v38a12 12 0 0 1-12 12H36a12 12 0 0 1-12-12z" fill="${c}"/><ellipse cx="46" cy="30" rx="22" ry="5" fill="${d}"/>`,
  lamp: (c, d) =>
    `<path d="M36 20h28l12 30H24z" fill="${c}"/><path d="M50 50v24" stroke="${d}" stroke-width="5"/><path d="M34 80c0-8 32-8 32 0z" fill="${d}"/><path d="M24 54 16 66M76 54l8 12M50 56v0" stroke="${c}" stroke-width="2" opacity=".6"/>`,
  headlamp: (c, d) =>
    `<path d="M16 50c0-34 68-34 68 0" fill="none" stroke="${d}" stroke-width="8"/><path d="M22 56c8 14 48 14 56 0" fill="none" stroke="${d}" stroke-width="5" opacity=".5"/><rect x="36" y="40" width="28" height="30" rx="8" fill="${c}"/><circle cx="50" cy="55" r="9" fill="#fff" opacity=".85"/><circle cx="50" cy="55" r="4.5" fill="#f2b134"/>`,
  poles: (c, d) =>
    `<path d="M34 24 42 84M66 24 58 84" stroke="${c}" stroke-width="4"/><path d="m33 16 3 18M67 16l-3 18" stroke="${d}" stroke-width="7" stroke-linecap="round"/><path d="M37 78h11M52 78h11" stroke="${d}" stroke-width="3" stroke-linecap="round"/>`,
  beanie: (c, d) =>
    `<path d="M22 62c0-50 56-50 56 0z" fill="${c}"/><rect x="18" y="60" width="64" height="16" rx="6" fill="${d}"/><path d="M50 26v34M36 32c-4 8-6 18-6 28M64 32c4 8 6 18 6 28" stroke="${d}" stroke-width="2" fill="none" opacity=".6"/>`,
  hammock: (c, d) =>
    `<path d="M14 26v58M86 26v58" stroke="${d}" stroke-width="5" stroke-linecap="round"/><path d="M14 36c16 44 56 44 72 0-20 20-52 20-72 0z" fill="${c}"/>`,
  socks: (c, d) =>
    `<path d="M26 18h17v34l15 13c8 7-1 19-11 14L29 66c-2-2-3-4-3-8z" fill="${d}"/><path d="M44 14h17v34l15 13c8 7-1 19-11 14L47 62c-2-2-3-4-3-8z" fill="${c}"/><path d="M44 14h17v9H44z" fill="${d}"/><path d="M44 30h17" stroke="${d}" stroke-width="2.5"/>`,
  case: (c, d) =>
    `<rect x="18" y="28" width="64" height="48" rx="5" fill="${c}"/><rect x="25" y="36" width="50" height="32" fill="#fff" opacity=".75"/><path d="m30 60 10-12 9 8 10-14 11 18" fill="none" stroke="${d}" stroke-width="2.5"/><path d="M44 28c0-8 12-8 12 0" fill="none" stroke="${d}" stroke-width="3"/>`,
  candle: (c, d) =>
    `<path d="M50 18c7 8 7 14 0 18-7-4-7-10 0-18z" fill="#f2b134"/><rect x="30" y="40" width="40" height="44" rx="5" fill="${c}"/><rect x="36" y="52" width="28" height="18" rx="2" fill="#fff" opacity=".8"/><path d="M50 36v5" stroke="${d}" stroke-width="2"/>`,
  notebook: (c, d) =>
    `<rect x="28" y="16" width="46" height="68" rx="4" fill="${c}"/><rect x="28" y="16" width="9" height="68" fill="${d}"/><rect x="45" y="28" width="22" height="12" rx="1" fill="#fff" opacity=".8"/>`,
  blanket: (c, d) =>
    `<path d="M18 32h50l14 14v34H32L18 66z" fill="${c}"/><path d="M18 46h50l14 14M18 58h50l14 14" stroke="${d}" stroke-width="3" fill="none"/><path d="M32 80v6M42 80v6M52 80v6M62 80v6M72 80v6" stroke="${d}" stroke-width="2"/>`,
  vase: (c, d) =>
    `<path d="M42 30h16c-2 12 14 18 14 34 0 14-10 20-22 20s-22-6-22-20c0-16 16-22 14-34z" fill="${c}"/><path d="M40 30h20" stroke="${d}" stroke-width="4" stroke-linecap="round"/><path d="M50 30c0-10 8-12 12-18M50 30c0-8-6-10-10-16" stroke="#5b7a4a" stroke-width="2.5" fill="none"/>`,
  towel: (c, d) =>
    `<path d="M20 22h60" stroke="${d}" stroke-width="5" stroke-linecap="round"/><path d="M30 22h40v58H30z" fill="${c}"/><path d="M30 62h40M30 69h40" stroke="${d}" stroke-width="2.5"/>`,
  board: (c, d) =>
    `<rect x="26" y="30" width="48" height="54" rx="8" fill="${c}"/><path d="M44 30V16h12v14" fill="${c}"/><circle cx="50" cy="22" r="3" fill="#fff"/><path d="M34 40v34M44 38v38M56 40v34M66 38v36" stroke="${d}" stroke-width="1.5" opacity=".7"/>`,
  print: (c, d) =>
    `<rect x="22" y="14" width="56" height="72" fill="#fff" stroke="${d}" stroke-width="3"/><path d="M28 72 46 46l12 14 8-10 6 22z" fill="${c}"/><circle cx="62" cy="32" r="7" fill="${d}"/>`,
  tray: (c, d) =>
    `<path d="M12 52h76l-8 18H20z" fill="${c}"/><path d="M14 52c-6-10 8-12 8-4M86 52c6-10-8-12-8-4" fill="none" stroke="${d}" stroke-width="4"/><path d="M20 58h60" stroke="${d}" stroke-width="2"/>`,
};

function darker(colour: string): string {
  const channels = [1, 3, 5].map((at) =>
    Math.round(Number.parseInt(colour.slice(at, at + 2), 16) * 0.68),
  );
  return `#${channels.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}

function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

export function drawPicture(picture: Picture, title: string): string {
  const shape = shapes[picture.shape] ?? shapes.case!;
  const shadow = `<ellipse cx="50" cy="88" rx="30" ry="3.5" fill="#000" opacity=".08"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" width="800" height="800" role="img" aria-label="${escapeXml(title)}"><rect width="100" height="100" fill="${picture.background}"/>${shadow}${shape(picture.colour, darker(picture.colour))}</svg>`;
}

/**
 * The picture of a product as SVG text.
 * @param productId - a global id or the number in it
 */
export function productImage(store: ShopStore, productId: string | number): string | undefined {
  const product = store.products.get(Number(String(productId).replace(/^.*\//, "")));
  return product && drawPicture(product.picture, product.title);
}
