import type { FrameBoot } from "./boot.ts";
import { BrowserFaultState } from "./device.ts";
import { element, h } from "./dom.ts";
import type {
  BarAction,
  Channel,
  FromApp,
  FromFrame,
  Orders,
  Questions,
  Tellings,
} from "./protocol.ts";

/**
 * The admin around the app: it signs the app in, draws what the app's App Bridge tells it (menu, title bar,
 * toasts, save bar), and keeps its own address in step with the app's.
 */

const channel: Channel = "evenkeel-sandbox-admin";
const boot = JSON.parse(element("#boot").textContent) as FrameBoot;
const base = `/store/${boot.shop}`;
const appBase = `${base}/apps/${boot.app.handle}`;
const iframe = document.querySelector<HTMLIFrameElement>("#app");
const faults = new BrowserFaultState();

/** The panel is a script of its own; it finds the state of this tab's faults here. */
declare global {
  interface Window {
    sandboxFaults: BrowserFaultState;
  }
}
window.sandboxFaults = faults;

// ── Who is signed in ──────────────────────────────────────────────────────────────────────────────────

const staffKey = "sandbox-staff";
const staff = boot.staff.find(({ id }) => id === localStorage.getItem(staffKey)) ?? boot.staff[0];

async function signIn(what: "session-token" | "app-parameters"): Promise<string> {
  const query = new URLSearchParams({ shop: boot.shop, staff: staff.id });
  const response = await fetch(`/sandbox/${what}?${query}`);
  if (!response.ok) throw new Error(`The admin answered ${response.status}.`);
  return response.text();
}

// ── The app ───────────────────────────────────────────────────────────────────────────────────────────

let appPath = location.pathname.startsWith(appBase)
  ? location.pathname.slice(appBase.length) + location.search + location.hash
  : "";

async function loadApp(path: string) {
  if (iframe === null) return;
  const url = new URL(path === "" ? "/" : path, boot.app.origin);
  for (const [name, value] of new URLSearchParams(await signIn("app-parameters"))) {
    url.searchParams.set(name, value);
  }
  showLoading(true);
  // A new document in the frame must not add a step to the back button.
  if (iframe.contentWindow && iframe.src !== "") iframe.contentWindow.location.replace(url);
  else iframe.src = url.href;
}

function order<Name extends keyof Orders>(name: Name, payload: Orders[Name]) {
  const message = { channel, kind: "do", name, payload } as FromFrame;
  iframe?.contentWindow?.postMessage(message, boot.app.origin);
}

window.addEventListener("message", (event: MessageEvent<FromApp | undefined>) => {
  if (event.origin !== boot.app.origin || event.source !== iframe?.contentWindow) return;
  const message = event.data;
  if (message?.channel !== channel) return;
  if (message.kind === "tell") hear(message);
  else void answer(message);
});

async function answer(question: FromApp & { kind: "ask" }) {
  const answering = (payload: Questions[keyof Questions]["answer"]) => {
    const message: FromFrame = { channel, kind: "answer", id: question.id, payload };
    iframe?.contentWindow?.postMessage(message, boot.app.origin);
  };
  if (faults.faults.adminAway || faults.faults.deviceOffline) {
    if (question.name === "idToken") await heardAgain();
    else return;
  }
  try {
    switch (question.name) {
      case "idToken":
        answering({ token: await signIn("session-token") });
        break;
      case "user":
        answering(staff);
        break;
      case "leaveConfirmation":
        answering({ leave: await confirmLeaving() });
        break;
      case "resourcePicker":
        answering({ selection: await pickResource(question.payload) });
        break;
    }
  } catch (error) {
    const message: FromFrame = {
      channel,
      kind: "refuse",
      id: question.id,
      message: error instanceof Error ? error.message : "The admin could not answer.",
    };
    iframe?.contentWindow?.postMessage(message, boot.app.origin);
  }
}

/** What was asked while the admin was away is never answered, not even afterwards. */
function heardAgain(): Promise<never> {
  return new Promise(() => undefined);
}

faults.addEventListener("change", () => {
  order("device", { offline: faults.faults.deviceOffline });
});

function hear(telling: FromApp & { kind: "tell" }) {
  switch (telling.name) {
    case "hello":
      showLoading(false);
      for (const id of [...saveBars.keys()]) saveBars.delete(id);
      drawSaveBar();
      mirrorUrl(telling.payload.path);
      order("device", { offline: faults.faults.deviceOffline });
      break;
    case "url":
      mirrorUrl(telling.payload.path);
      break;
    case "nav":
      appNav = telling.payload.items;
      drawNav();
      break;
    case "titleBar":
      drawTitleBar(telling.payload);
      break;
    case "saveBar":
      if (telling.payload.visible) saveBars.set(telling.payload.id, telling.payload);
      else saveBars.delete(telling.payload.id);
      drawSaveBar();
      break;
    case "loading":
      showLoading(telling.payload.on);
      break;
    case "toast":
      showToast(telling.payload);
      break;
    case "toastHide":
      document.getElementById(telling.payload.id)?.remove();
      break;
    case "open":
      open(telling.payload.to, telling.payload.newTab);
      break;
  }
}

/** The app's own steps are in the joint history already: the address here is only rewritten. */
function mirrorUrl(path: string) {
  appPath = path;
  history.replaceState(history.state, "", appBase + (path === "/" ? "" : path));
  drawNav();
}

function open(to: string, newTab: boolean) {
  const url = /^https?:/.test(to) ? to : base + to;
  if (newTab) window.open(url, "_blank", "noopener");
  else location.assign(url);
}

// ── The app's menu ────────────────────────────────────────────────────────────────────────────────────

let appNav: Tellings["nav"]["items"] = [];

function drawNav() {
  const items = element("#app-nav .app-items");
  const path = appPath.split(/[?#]/)[0] ?? "";
  // The most particular item is the current one: /app/orders rather than /app.
  const current = appNav
    .filter(({ href }) => path === href || path.startsWith(`${href}/`))
    .sort((a, b) => b.href.length - a.href.length)[0];
  const home = appNav.find((item) => item.home);
  items.replaceChildren(
    ...appNav
      .filter((item) => !item.home)
      .map((item) =>
        h(
          "a",
          {
            href: appBase + item.href,
            role: "listitem",
            "aria-current": item === current ? "page" : null,
            onclick: (event: Event) => {
              event.preventDefault();
              void goTo(item.href);
            },
          },
          item.text,
        ),
      ),
  );
  const link = element("#app-nav .app-link");
  link.toggleAttribute("data-open", iframe !== null && appNav.length > 1);
  if (iframe !== null && current !== undefined && current !== home)
    link.removeAttribute("aria-current");
  else if (iframe !== null) link.setAttribute("aria-current", "page");
}

element("#app-nav .app-link").addEventListener("click", (event) => {
  const home = appNav.find((item) => item.home);
  if (iframe === null || home === undefined) return;
  event.preventDefault();
  void goTo(home.href);
});

async function goTo(href: string) {
  closeNav();
  if (saveBars.size > 0 && !(await confirmLeaving())) return;
  order("navigate", { href });
}

// ── Title bar, save bar, loading, toasts ──────────────────────────────────────────────────────────────

const drawn = new Map<"titleBar" | "saveBar", string>();

/** Whether it is not what is shown already: a button that is replaced under the pointer never hears of the click. */
function isNew(bar: "titleBar" | "saveBar", content: unknown): boolean {
  const text = JSON.stringify(content);
  if (drawn.get(bar) === text) return false;
  drawn.set(bar, text);
  return true;
}

function actionButton(action: BarAction): HTMLElement {
  return h(
    "button",
    {
      class: `button ${action.variant}`,
      "data-critical": action.critical,
      disabled: action.disabled || action.loading,
      "aria-busy": action.loading ? "true" : null,
      onclick: () => {
        order("barAction", { key: action.key });
      },
    },
    action.text,
  );
}

function drawTitleBar({ title, actions }: Tellings["titleBar"]) {
  const page = document.querySelector(".appbar-page");
  if (page === null || !isNew("titleBar", { title, actions })) return;
  page.textContent = title ?? "";
  const breadcrumb = actions.find(({ variant }) => variant === "breadcrumb");
  page.parentElement?.querySelector(".crumb")?.remove();
  if (breadcrumb) {
    const crumb = actionButton(breadcrumb);
    crumb.className = "crumb";
    page.before(crumb);
  }
  const groups = new Map<string, BarAction[]>();
  for (const action of actions) {
    if (action.group !== null) {
      groups.set(action.group, [...(groups.get(action.group) ?? []), action]);
    }
  }
  const single = actions.filter(({ group, variant }) => group === null && variant !== "breadcrumb");
  element(".appbar-actions").replaceChildren(
    ...[...groups].map(([label, grouped]) =>
      h(
        "details",
        { class: "group" },
        h("summary", { class: "button" }, label),
        h("div", { class: "menu" }, ...grouped.map(actionButton)),
      ),
    ),
    ...single.filter(({ variant }) => variant !== "primary").map(actionButton),
    ...single.filter(({ variant }) => variant === "primary").map(actionButton),
  );
}

const saveBars = new Map<string, Tellings["saveBar"]>();

function drawSaveBar() {
  const bar = [...saveBars.values()].at(-1);
  if (!isNew("saveBar", bar ?? null)) return;
  const region = element(".savebar");
  region.hidden = bar === undefined;
  document.documentElement.toggleAttribute("data-unsaved", bar !== undefined);
  const primary = bar?.actions.find(({ variant }) => variant === "primary");
  const discard = bar?.actions.find(({ variant }) => variant !== "primary");
  element(".savebar-actions").replaceChildren(
    ...(discard
      ? [
          h(
            "button",
            {
              class: "button on-dark",
              disabled: discard.disabled,
              onclick: () => void discardChanges(discard.key, bar?.discardConfirmation ?? false),
            },
            discard.text || "Discard",
          ),
        ]
      : []),
    ...(primary
      ? [
          h(
            "button",
            {
              class: "button on-dark primary",
              disabled: primary.disabled || primary.loading,
              "aria-busy": primary.loading ? "true" : null,
              onclick: () => {
                order("barAction", { key: primary.key });
              },
            },
            primary.text || "Save",
          ),
        ]
      : []),
  );
}

async function discardChanges(key: string, confirmFirst: boolean) {
  const sure =
    !confirmFirst ||
    (await confirm({
      title: "Discard all unsaved changes",
      text: "If you discard changes, you’ll delete any edits you made since you last saved.",
      stay: "Continue editing",
      go: "Discard changes",
    }));
  if (sure) order("barAction", { key });
}

function confirmLeaving(): Promise<boolean> {
  return confirm({
    title: "Leave page with unsaved changes?",
    text: "Leaving this page will delete all unsaved changes.",
    stay: "Stay",
    go: "Leave page",
  });
}

function confirm(words: {
  title: string;
  text: string;
  stay: string;
  go: string;
}): Promise<boolean> {
  const dialog = element<HTMLDialogElement>(".dialog");
  dialog.replaceChildren(
    h("h2", { id: "dialog-title" }, words.title),
    h("p", {}, words.text),
    h(
      "form",
      { method: "dialog" },
      h("button", { class: "button", value: "stay" }, words.stay),
      h("button", { class: "button primary", "data-critical": true, value: "go" }, words.go),
    ),
  );
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        dialog.replaceChildren();
        resolve(dialog.returnValue === "go");
      },
      { once: true },
    );
  });
}

/** A plain list of the shop's products (or variants); enough to choose from. */
async function pickResource(
  ask: Questions["resourcePicker"]["ask"],
): Promise<{ id: string; title: string }[] | null> {
  const query = new URLSearchParams({ shop: boot.shop, type: ask.type, query: ask.query });
  const found = (await fetch(`/sandbox/resources?${query}`).then((response) =>
    response.json(),
  )) as {
    id: string;
    title: string;
  }[];
  const dialog = element<HTMLDialogElement>(".dialog");
  dialog.replaceChildren(
    h("h2", { id: "dialog-title" }, `Select ${ask.type}${ask.multiple ? "s" : ""}`),
    h(
      "form",
      { method: "dialog" },
      h(
        "div",
        { class: "picker" },
        ...found.map(({ id, title }) =>
          h(
            "label",
            {},
            h("input", { type: ask.multiple ? "checkbox" : "radio", name: "id", value: id }),
            title,
          ),
        ),
      ),
      h("button", { class: "button", value: "cancel" }, "Cancel"),
      h("button", { class: "button primary", value: "select" }, "Select"),
    ),
  );
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        const chosen = new FormData(element<HTMLFormElement>("form", dialog)).getAll("id");
        const selection = found.filter(({ id }) => chosen.includes(id));
        dialog.replaceChildren();
        resolve(dialog.returnValue === "select" && selection.length > 0 ? selection : null);
      },
      { once: true },
    );
  });
}

function showLoading(on: boolean) {
  const progress = document.querySelector<HTMLElement>(".progress");
  if (progress) progress.hidden = !on;
}

iframe?.addEventListener("load", () => {
  showLoading(false);
});

function showToast(toast: Tellings["toast"]) {
  const dismiss = () => {
    if (!shown.isConnected) return;
    shown.remove();
    order("toastDismiss", { id: toast.id });
  };
  const shown = h(
    "div",
    { class: "toast", id: toast.id, "data-error": toast.isError },
    h("span", {}, toast.message),
    toast.action !== null &&
      h(
        "button",
        {
          class: "toast-action",
          onclick: () => {
            order("toastAction", { id: toast.id });
            dismiss();
          },
        },
        toast.action,
      ),
    h("button", { class: "toast-close", "aria-label": "Dismiss", onclick: dismiss }, "✕"),
  );
  element(".toasts").append(shown);
  setTimeout(dismiss, toast.durationMs);
}

// ── Menus of the frame itself ─────────────────────────────────────────────────────────────────────────

const storeButton = element(".store-button");
const storeMenu = element("#store-menu");

storeMenu.append(
  h("div", { class: "menu-heading" }, "Stores"),
  ...boot.shops.map((shop) =>
    h(
      "a",
      {
        role: "menuitem",
        href: `/store/${shop.name}/apps/${boot.app.handle}`,
        "aria-current": shop.name === boot.shop ? "true" : null,
      },
      h("span", {}, shop.displayName),
      h("small", {}, shop.domain),
    ),
  ),
  h("div", { class: "menu-heading" }, "Signed in as"),
  ...boot.staff.map((person) =>
    h(
      "button",
      {
        role: "menuitem",
        "aria-current": person.id === staff.id ? "true" : null,
        onclick: () => {
          localStorage.setItem(staffKey, person.id);
          location.reload();
        },
      },
      person.name,
    ),
  ),
);

function showStoreMenu(on: boolean) {
  storeMenu.hidden = !on;
  storeButton.setAttribute("aria-expanded", String(on));
}
storeButton.addEventListener("click", () => {
  showStoreMenu(storeMenu.hidden);
});

const navToggle = element(".nav-toggle");
const scrim = element(".scrim");

function closeNav() {
  document.documentElement.removeAttribute("data-nav");
  scrim.hidden = true;
  navToggle.setAttribute("aria-expanded", "false");
}
navToggle.addEventListener("click", () => {
  const open = document.documentElement.toggleAttribute("data-nav");
  scrim.hidden = !open;
  navToggle.setAttribute("aria-expanded", String(open));
});
scrim.addEventListener("click", closeNav);

function closeMenus() {
  showStoreMenu(false);
  for (const group of document.querySelectorAll("details.group[open]"))
    group.removeAttribute("open");
}
document.addEventListener("click", (event) => {
  if (event.target instanceof Element && !event.target.closest(".topbar-end, details.group")) {
    closeMenus();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  closeMenus();
  closeNav();
});
// A click inside the app closes the frame's menus too; the frame sees no more of it than this.
window.addEventListener("blur", closeMenus);

drawNav();
if (iframe !== null) await loadApp(appPath);
