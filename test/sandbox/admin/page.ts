import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { FrameBoot } from "./browser/boot.ts";

const require = createRequire(import.meta.url);

/** Only these are drawn in the admin's own navigation; none of their pages is part of the sandbox. */
const adminPages = [
  { path: "/", text: "Home", icon: "HomeFilled" },
  { path: "/orders", text: "Orders", icon: "OrderFilled" },
  { path: "/products", text: "Products", icon: "ProductFilled" },
  { path: "/customers", text: "Customers", icon: "PersonFilled" },
  { path: "/marketing", text: "Marketing", icon: "TargetFilled" },
  { path: "/discounts", text: "Discounts", icon: "DiscountFilled" },
  { path: "/content", text: "Content", icon: "ContentFilled" },
  { path: "/analytics", text: "Analytics", icon: "ChartVerticalFilled" },
] as const;

/** The app's own mark: a hull on an even line. */
export const appMark = `<svg viewBox="0 0 20 20" aria-hidden="true"><rect width="20" height="20" rx="5" fill="#0b5d57"/><path d="M4 9.2h12c-.5 3.6-2.9 5.6-6 5.6s-5.500-2-6-5.600Z" fill="#fff"/><path d="M10 4v3.600M4 16.600h12" stroke="#7fe0d0" stroke-width="1.300" stroke-linecap="round"/></svg>`;

/**
 * The document around the app. The page's own address decides what is in the middle: an app page in the
 * iframe, or a note in place of an admin page that the sandbox does not have.
 */
export function framePage(boot: FrameBoot): string {
  const shop = boot.shops.find((candidate) => candidate.name === boot.shop) ?? boot.shops[0];
  const base = `/store/${escape(boot.shop)}`;
  const link = ({ path, text, icon: name }: (typeof adminPages)[number]) => {
    const current = boot.adminPath === path || (path !== "/" && boot.adminPath?.startsWith(path));
    return `<a href="${base}${path === "/" ? "" : path}"${current ? ' aria-current="page"' : ""}>${icon(name)}<span>${text}</span></a>`;
  };
  return `<!doctype html>
<html lang="en" data-panel="${boot.panel ? "closed" : "none"}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escape(boot.app.name)} · ${escape(shop?.displayName ?? boot.shop)} · Sandbox admin</title>
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(appMark.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"'))}">
<link rel="stylesheet" href="/static/fonts/inter/v4/styles.css">
<link rel="stylesheet" href="/sandbox/frame.css">
${boot.panel ? `<link rel="stylesheet" href="/sandbox/panel.css">` : ""}
</head>
<body>
<div class="admin">
  <header class="topbar">
    <button class="topbar-button nav-toggle" aria-label="Menu" aria-expanded="false" aria-controls="sidenav">${icon("Menu")}</button>
    <a class="brand" href="${base}"><span class="brand-mark">S</span><span class="brand-text">Sandbox admin</span></a>
    <div class="search" aria-hidden="true">${icon("Search")}<span>Search</span><kbd>Ctrl K</kbd></div>
    <div class="savebar" role="region" aria-label="Unsaved changes" hidden>
      <span class="savebar-text">${icon("AlertTriangle")}Unsaved changes</span>
      <span class="savebar-actions"></span>
    </div>
    <div class="topbar-end">
      <button class="store-button" aria-haspopup="menu" aria-expanded="false" aria-controls="store-menu">
        <span class="store-name">${escape(shop?.displayName ?? boot.shop)}</span>
        <span class="avatar" data-tone="${shop ? boot.shops.indexOf(shop) % 4 : 0}">${escape(initials(shop?.displayName ?? boot.shop))}</span>
      </button>
      <div class="menu" id="store-menu" role="menu" hidden></div>
    </div>
  </header>
  <div class="body">
    <nav class="sidenav" id="sidenav" aria-label="Admin">
      <div class="sidenav-group">${adminPages.map(link).join("")}</div>
      <div class="sidenav-heading">Sales channels</div>
      <div class="sidenav-group"><a href="${escape(shop?.storefrontUrl ?? `${base}/online-store`)}"${shop?.storefrontUrl ? ' target="_blank" rel="noreferrer"' : ""}>${icon("StoreFilled")}<span>Online Store</span></a></div>
      <div class="sidenav-heading">Apps</div>
      <div class="sidenav-group" id="app-nav">
        <a class="app-link" href="${base}/apps/${escape(boot.app.handle)}"${boot.adminPath === null ? ' aria-current="page"' : ""}><span class="app-mark">${appMark}</span><span>${escape(boot.app.name)}</span></a>
        <div class="app-items" role="list"></div>
      </div>
      <div class="sidenav-foot"><a href="${base}/settings">${icon("SettingsFilled")}<span>Settings</span></a></div>
    </nav>
    <div class="scrim" hidden></div>
    <main class="content">
      ${
        boot.adminPath === null
          ? `<div class="appbar">
        <span class="app-mark">${appMark}</span>
        <h1 class="appbar-title"><span class="appbar-app">${escape(boot.app.name)}</span><span class="appbar-page"></span></h1>
        <div class="appbar-actions"></div>
        <div class="progress" role="progressbar" aria-label="Loading" hidden></div>
      </div>
      <iframe name="app-iframe" id="app" title="${escape(boot.app.name)}" allow="clipboard-read; clipboard-write; camera"></iframe>`
          : adminNote(boot.adminPath, `${base}/apps/${escape(boot.app.handle)}`, boot.app.name)
      }
    </main>
  </div>
  <div class="toasts" role="status" aria-live="polite"></div>
  <dialog class="dialog" aria-labelledby="dialog-title"></dialog>
</div>
${boot.panel ? `<aside class="panel" id="panel" aria-label="Sandbox controls"></aside>` : ""}
<script type="application/json" id="boot">${JSON.stringify(boot).replaceAll("<", "\\u003c")}</script>
<script type="module" src="/sandbox/frame.ts"></script>
${boot.panel ? `<script type="module" src="/sandbox/panel.ts"></script>` : ""}
</body>
</html>`;
}

function adminNote(path: string, appHref: string, appName: string): string {
  const name = /^\/(\w+)/.exec(path)?.[1] ?? "home";
  const [, kind, id] = /^\/(orders|products|draft_orders|customers)\/(\d+)/.exec(path) ?? [];
  return `<div class="note">
    <h1>${escape(kind ? `${kind.replace("_", " ").replace(/s$/, "")} ${id}` : name)}</h1>
    <p>In a real store this would be Shopify's own page. The sandbox has the store behind it (its orders, products and stock), but of the admin only the frame around the app.</p>
    <div class="admin-record" data-path="${escape(path)}"></div>
    <p><a class="button" href="${appHref}">Open ${escape(appName)}</a></p>
  </div>`;
}

/** One of Polaris' icons, inline, so that it takes the colour of its text. */
export function icon(name: string): string {
  const file = require.resolve(`@shopify/polaris-icons/dist/svg/${name}Icon.svg`);
  return readFileSync(file, "utf8").replace("<svg", '<svg class="icon" aria-hidden="true"');
}

function initials(name: string): string {
  return name
    .split(/\s+/)
    .map((word) => word[0] ?? "")
    .join("")
    .slice(0, 2)
    .toUpperCase();
}

export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0) ?? 0};`);
}
