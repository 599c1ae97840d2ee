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
 * Stand-in for Shopify's App Bridge (https://cdn.shopify.com/shopifycloud/app-bridge.js), for an admin frame
 * that runs on this machine. It offers the same `window.shopify`, the same custom elements and the same
 * override of `fetch`, as far as the pages of an embedded app can tell. Which behaviours are documented and
 * which are assumed is listed in docs/sandbox.md.
 */
(() => {
  interface Bridge {
    config: { apiKey: string; shop: string; host: string; locale: string };
  }
  const page = window as unknown as { shopify?: Bridge };
  if (page.shopify !== undefined) return;

  const channel: Channel = "evenkeel-sandbox-admin";
  const params = new URLSearchParams(location.search);
  const config = readConfig();
  const admin = window.parent === window ? null : window.parent;

  if (admin === null) {
    // Outside the admin the real one goes back into it, where it knows which admin that is.
    const place = decodedHost(params.get("host"));
    if (place !== null && config.apiKey !== "") {
      location.replace(`https://${place}/apps/${config.apiKey}${location.pathname}`);
    }
  }

  // ── Messages ────────────────────────────────────────────────────────────────────────────────────────

  const questions = new Map<
    number,
    { resolve: (payload: never) => void; reject: (error: Error) => void }
  >();
  let lastId = 0;

  function send(message: FromApp) {
    // The frame's origin differs between the demo and the tests; nothing that is told here is secret.
    admin?.postMessage(message, "*");
  }

  function tell<Name extends keyof Tellings>(name: Name, payload: Tellings[Name]) {
    send({ channel, kind: "tell", name, payload } as FromApp);
  }

  /** Has no deadline, like the real one: while the admin is away, an answer simply never comes. */
  function ask<Name extends keyof Questions>(
    name: Name,
    payload: Questions[Name]["ask"],
  ): Promise<Questions[Name]["answer"]> {
    return new Promise((resolve, reject) => {
      if (admin === null) {
        reject(new Error(`App Bridge: ${name} needs the Shopify admin around the app.`));
        return;
      }
      const id = ++lastId;
      questions.set(id, { resolve, reject });
      send({ channel, kind: "ask", id, name, payload } as FromApp);
    });
  }

  window.addEventListener("message", (event: MessageEvent<FromFrame | undefined>) => {
    if (event.source !== admin || event.data?.channel !== channel) return;
    const message = event.data;
    if (message.kind === "do") {
      obey(message);
      return;
    }
    const question = questions.get(message.id);
    questions.delete(message.id);
    if (message.kind === "answer") question?.resolve(message.payload as never);
    else question?.reject(new Error(message.message));
  });

  function obey(order: FromFrame & { kind: "do" }) {
    switch (order.name) {
      case "navigate":
        navigate(order.payload);
        break;
      case "barAction":
        barTargets.get(order.payload.key)?.();
        break;
      case "toastAction":
        toasts.get(order.payload.id)?.onAction?.();
        break;
      case "toastDismiss":
        toasts.get(order.payload.id)?.onDismiss?.();
        toasts.delete(order.payload.id);
        break;
      case "device":
        pretendOffline(order.payload.offline);
        break;
    }
  }

  // ── Addresses ───────────────────────────────────────────────────────────────────────────────────────

  /** The app's router listens for `shopify:navigate` and reads the target's href. */
  function navigate({ href }: Orders["navigate"]) {
    const anchor = document.createElement("a");
    anchor.setAttribute("href", href);
    anchor.hidden = true;
    document.body.append(anchor);
    anchor.dispatchEvent(new CustomEvent("shopify:navigate", { bubbles: true }));
    anchor.remove();
  }

  /** The parameters of the sign-in say nothing to a person and would go stale in a bookmark. */
  function currentPath(): string {
    const url = new URL(location.href);
    for (const name of [
      "embedded",
      "hmac",
      "host",
      "id_token",
      "link_source",
      "locale",
      "session",
      "shop",
      "timestamp",
    ]) {
      url.searchParams.delete(name);
    }
    return url.pathname + url.search + url.hash;
  }

  function tellUrl() {
    tell("url", { path: currentPath() });
  }

  for (const method of ["pushState", "replaceState"] as const) {
    const original = history[method].bind(history);
    history[method] = (...args) => {
      original(...args);
      tellUrl();
    };
  }
  window.addEventListener("popstate", tellUrl);
  window.addEventListener("hashchange", tellUrl);

  /** `shopify://admin/orders/1`, `shopify:admin/orders/1` and the admin's own addresses lead into the frame. */
  function placeInAdmin(href: string): string | null {
    const scheme = /^shopify:(?:\/\/)?admin(\/.*)$/.exec(href);
    if (scheme) return scheme[1] ?? null;
    const url = new URL(href, location.href);
    if (url.hostname === "admin.shopify.com") {
      return url.pathname.replace(/^\/store\/[^/]+/, "") + url.search;
    }
    if (url.hostname === config.shop && url.pathname.startsWith("/admin")) {
      return url.pathname.slice("/admin".length) + url.search;
    }
    return null;
  }

  document.addEventListener(
    "click",
    (event) => {
      if (!(event.target instanceof Element)) return;
      const anchor = event.target.closest("a[href]");
      if (!(anchor instanceof HTMLAnchorElement)) return;
      const place = placeInAdmin(anchor.getAttribute("href") ?? "");
      if (place === null) return;
      event.preventDefault();
      tell("open", { to: place, newTab: anchor.target === "_blank" });
    },
    true,
  );

  const realOpen = window.open.bind(window);
  window.open = (url, target, features) => {
    const place = url === undefined ? null : placeInAdmin(String(url));
    if (place === null) return realOpen(url, target, features);
    tell("open", { to: place, newTab: target === "_blank" || target === undefined });
    return null;
  };

  // ── Session tokens and fetch ────────────────────────────────────────────────────────────────────────

  let offline = false;
  const idToken = async () => (await ask("idToken", {})).token;

  /**
   * Requests to the app's own origin get a fresh session token. When the server says that the token would not
   * do (`X-Shopify-Retry-Invalid-Session-Request`), they are sent once more with a newer one.
   */
  const realFetch = window.fetch.bind(window);
  window.fetch = async (input, init) => {
    const request = new Request(input, init);
    if (new URL(request.url).origin !== location.origin) return realFetch(request);
    if (offline) throw new TypeError("Failed to fetch");
    if (request.headers.has("Authorization")) return realFetch(request);

    const attempt = async () => {
      const headers = new Headers(request.headers);
      headers.set("Authorization", `Bearer ${await idToken()}`);
      headers.set("X-Requested-With", "XMLHttpRequest");
      return realFetch(new Request(request.clone(), { headers }));
    };
    let response = await attempt();
    if (response.headers.has("X-Shopify-Retry-Invalid-Session-Request")) {
      response = await attempt();
    }
    const reauthorizeUrl = response.headers.get("X-Shopify-API-Request-Failure-Reauthorize-Url");
    if (reauthorizeUrl !== null) tell("open", { to: reauthorizeUrl, newTab: false });
    return response;
  };

  /** The bounce page: a document was asked for without a token, so it is asked for again with one. */
  const reloadTo = params.get("shopify-reload");
  if (reloadTo !== null) {
    void idToken().then((token) => {
      const url = new URL(reloadTo, location.origin);
      if (url.origin !== location.origin) return;
      url.searchParams.set("id_token", token);
      location.replace(url);
    });
  }

  /** What a page can see of a device without a network: `navigator.onLine`, its event, and failing requests. */
  function pretendOffline(on: boolean) {
    if (on === offline) return;
    offline = on;
    Object.defineProperty(navigator, "onLine", { configurable: true, get: () => !on });
    window.dispatchEvent(new Event(on ? "offline" : "online"));
  }

  // ── Toasts ──────────────────────────────────────────────────────────────────────────────────────────

  interface ToastOptions {
    duration?: number;
    isError?: boolean;
    action?: string;
    onAction?: () => void;
    onDismiss?: () => void;
  }
  const toasts = new Map<string, ToastOptions>();

  const toast = {
    show(message: string, options: ToastOptions = {}): string {
      const id = `toast-${++lastId}`;
      toasts.set(id, options);
      tell("toast", {
        id,
        message,
        durationMs: options.duration ?? 5000,
        isError: options.isError ?? false,
        action: options.action ?? null,
      });
      return id;
    },
    hide(id: string) {
      tell("toastHide", { id });
    },
  };

  // ── Bars: the elements whose content the frame draws ────────────────────────────────────────────────

  const barTargets = new Map<string, () => void>();
  let lastKey = 0;
  const keys = new WeakMap<Element, string>();

  function actionOf(element: Element, group: string | null): BarAction {
    let key = keys.get(element);
    if (key === undefined) {
      key = `action-${++lastKey}`;
      keys.set(element, key);
    }
    barTargets.set(key, () => {
      if (element instanceof HTMLElement) element.click();
    });
    const variant = element.getAttribute("variant");
    return {
      key,
      text: element.textContent.trim(),
      href: element.getAttribute("href"),
      variant: variant === "primary" || variant === "breadcrumb" ? variant : "plain",
      critical: element.getAttribute("tone") === "critical",
      disabled: element.hasAttribute("disabled"),
      loading: element.hasAttribute("loading"),
      group,
    };
  }

  function actionsOf(bar: Element): BarAction[] {
    return [...bar.children].flatMap((child) =>
      child.localName === "section"
        ? [...child.children].map((inner) => actionOf(inner, child.getAttribute("label") ?? "More"))
        : [actionOf(child, null)],
    );
  }

  /** Calls `changed` at once and after every change below the element, at most once per task. */
  abstract class Mirrored extends HTMLElement {
    #observer: MutationObserver | null = null;
    connectedCallback() {
      let queued = false;
      const schedule = () => {
        if (queued) return;
        queued = true;
        queueMicrotask(() => {
          queued = false;
          if (this.isConnected) this.changed();
        });
      };
      this.#observer = new MutationObserver(schedule);
      this.#observer.observe(this, {
        attributes: true,
        characterData: true,
        childList: true,
        subtree: true,
      });
      schedule();
    }
    disconnectedCallback() {
      this.#observer?.disconnect();
      this.gone();
    }
    abstract changed(): void;
    abstract gone(): void;
  }

  class NavMenu extends Mirrored {
    changed() {
      tell("nav", {
        items: [...this.querySelectorAll("a, s-link")].map((link) => ({
          href: link.getAttribute("href") ?? "/",
          text: link.textContent.trim(),
          home: link.getAttribute("rel") === "home",
        })),
      });
    }
    /** The admin keeps the app's menu while the app loads its next document. */
    gone() {}
  }

  /** Of several title bars on a page the one that came last is shown; one inside a modal is the modal's. */
  const titleBars = new Set<TitleBar>();

  class TitleBar extends Mirrored {
    changed() {
      if (this.closest("ui-modal")) return;
      titleBars.add(this);
      showTitleBar();
    }
    gone() {
      titleBars.delete(this);
      queueMicrotask(showTitleBar);
    }
  }

  function showTitleBar() {
    const bar = [...titleBars].at(-1);
    tell("titleBar", {
      title: bar?.getAttribute("title") ?? null,
      actions: bar ? actionsOf(bar) : [],
    });
  }

  // ── Contextual save bar ─────────────────────────────────────────────────────────────────────────────

  const visibleSaveBars = new Set<string>();

  function tellSaveBar(bar: Tellings["saveBar"]) {
    if (bar.visible) visibleSaveBars.add(bar.id);
    else visibleSaveBars.delete(bar.id);
    tell("saveBar", bar);
  }

  class SaveBar extends Mirrored {
    #visible = false;
    show() {
      this.#visible = true;
      this.changed();
      this.dispatchEvent(new CustomEvent("show"));
    }
    hide() {
      this.#visible = false;
      this.changed();
      this.dispatchEvent(new CustomEvent("hide"));
    }
    get showing() {
      return this.#visible;
    }
    changed() {
      tellSaveBar({
        id: this.id,
        visible: this.#visible,
        discardConfirmation: this.hasAttribute("discardConfirmation"),
        actions: this.#visible ? actionsOf(this) : [],
      });
    }
    gone() {
      this.#visible = false;
      tellSaveBar({ id: this.id, visible: false, discardConfirmation: false, actions: [] });
    }
  }

  function saveBarById(id: string): SaveBar {
    const bar = document.getElementById(id);
    if (bar instanceof SaveBar) return bar;
    throw new Error(`App Bridge: there is no <ui-save-bar id="${id}">.`);
  }

  const saveBar = {
    async show(id: string) {
      saveBarById(id).show();
    },
    async hide(id: string) {
      saveBarById(id).hide();
    },
    async toggle(id: string) {
      const bar = saveBarById(id);
      if (bar.showing) bar.hide();
      else bar.show();
    },
    /** Comes back once no save bar is open or the merchant chose to leave; not at all if they stay. */
    async leaveConfirmation(): Promise<void> {
      if (visibleSaveBars.size === 0) return;
      const { leave } = await ask("leaveConfirmation", {});
      if (!leave) await new Promise<never>(() => undefined);
    },
  };

  /** `<form data-save-bar>`: the bar comes with the first edit and goes with submit or reset. */
  function formOf(target: EventTarget | null): HTMLFormElement | null {
    const form =
      target instanceof HTMLFormElement
        ? target
        : target instanceof HTMLInputElement ||
            target instanceof HTMLTextAreaElement ||
            target instanceof HTMLSelectElement
          ? target.form
          : null;
    return form?.hasAttribute("data-save-bar") ? form : null;
  }

  function formBarId(form: HTMLFormElement): string {
    let key = keys.get(form);
    if (key === undefined) {
      key = `form-${++lastKey}`;
      keys.set(form, key);
    }
    return key;
  }

  function showFormBar(form: HTMLFormElement, visible: boolean) {
    const id = formBarId(form);
    barTargets.set(`${id}-save`, () => {
      form.requestSubmit();
    });
    barTargets.set(`${id}-discard`, () => {
      form.reset();
    });
    const action = (key: string, text: string, variant: BarAction["variant"]): BarAction => ({
      key,
      text,
      href: null,
      variant,
      critical: false,
      disabled: false,
      loading: false,
      group: null,
    });
    tellSaveBar({
      id,
      visible,
      discardConfirmation: form.hasAttribute("data-discard-confirmation"),
      actions: [
        action(`${id}-save`, "Save", "primary"),
        action(`${id}-discard`, "Discard", "plain"),
      ],
    });
  }

  for (const type of ["input", "change"]) {
    document.addEventListener(type, (event) => {
      const form = formOf(event.target);
      if (form !== null) showFormBar(form, true);
    });
  }
  for (const type of ["submit", "reset"]) {
    document.addEventListener(type, (event) => {
      const form = formOf(event.target);
      if (form !== null) showFormBar(form, false);
    });
  }
  new MutationObserver(() => {
    for (const id of visibleSaveBars) {
      if (!id.startsWith("form-")) continue;
      const stillThere = [...document.querySelectorAll("form[data-save-bar]")].some(
        (form) => keys.get(form) === id,
      );
      if (!stillThere) tellSaveBar({ id, visible: false, discardConfirmation: false, actions: [] });
    }
  }).observe(document, { childList: true, subtree: true });

  // ── Modals ──────────────────────────────────────────────────────────────────────────────────────────

  /** Drawn over the app's own document rather than over the whole admin. */
  class Modal extends HTMLElement {
    #dialog: HTMLDialogElement | null = null;
    connectedCallback() {
      if (this.#dialog !== null) return;
      const root = this.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(`
        dialog { border: 0; border-radius: 16px; padding: 0; width: min(620px, calc(100vw - 32px));
                 box-shadow: 0 20px 60px rgb(0 0 0 / 30%); }
        dialog::backdrop { background: rgb(0 0 0 / 50%); }
        header { display: flex; justify-content: space-between; padding: 14px 16px; background: #f3f3f3;
                 font: 650 14px/20px Inter, sans-serif; }
        button { border: 0; background: none; font: inherit; cursor: pointer; }
      `);
      root.adoptedStyleSheets = [sheet];
      const dialog = document.createElement("dialog");
      const header = document.createElement("header");
      const title = document.createElement("span");
      const close = document.createElement("button");
      close.setAttribute("aria-label", "Close");
      close.textContent = "✕";
      close.addEventListener("click", () => {
        this.hide();
      });
      header.append(title, close);
      dialog.append(header, document.createElement("slot"));
      dialog.addEventListener("close", () => {
        this.dispatchEvent(new CustomEvent("hide"));
      });
      root.append(dialog);
      this.#dialog = dialog;
    }
    show() {
      const title = this.querySelector("ui-title-bar")?.getAttribute("title") ?? "";
      const slot = this.#dialog?.querySelector("header span");
      if (slot) slot.textContent = title;
      this.#dialog?.showModal();
      this.dispatchEvent(new CustomEvent("show"));
    }
    hide() {
      this.#dialog?.close();
    }
    toggle() {
      if (this.#dialog?.open) this.hide();
      else this.show();
    }
  }

  function modalById(id: string): Modal {
    const element = document.getElementById(id);
    if (element instanceof Modal) return element;
    throw new Error(`App Bridge: there is no <ui-modal id="${id}">.`);
  }

  // ── window.shopify ──────────────────────────────────────────────────────────────────────────────────

  Object.defineProperty(page, "shopify", {
    configurable: true,
    enumerable: true,
    value: {
      config,
      origin: location.origin,
      environment: {
        embedded: admin !== null,
        mobile: matchMedia("(max-width: 480px)").matches,
        pos: false,
      },
      ready: Promise.resolve(),
      idToken,
      user: () => ask("user", {}),
      toast,
      loading(on?: boolean) {
        tell("loading", { on: on !== false });
      },
      saveBar,
      modal: {
        show: async (id: string) => {
          modalById(id).show();
        },
        hide: async (id: string) => {
          modalById(id).hide();
        },
        toggle: async (id: string) => {
          modalById(id).toggle();
        },
      },
      scopes: {
        query: async () => ({ granted: [], required: [], optional: [] }),
        request: async () => ({ result: "declined-all" }),
        revoke: async () => ({ detail: { granted: [], required: [], optional: [] } }),
      },
      /** Resolves to undefined when the merchant closes the picker. */
      async resourcePicker(options: { type: string; multiple?: boolean; query?: string }) {
        const { selection } = await ask("resourcePicker", {
          type: options.type,
          multiple: options.multiple === true,
          query: options.query ?? "",
        });
        return selection ?? undefined;
      },
    },
  });

  // No style attributes: React would find them at hydration and complain.
  const hidden = new CSSStyleSheet();
  hidden.replaceSync("ui-nav-menu, s-app-nav, ui-title-bar, ui-save-bar { display: none }");
  document.adoptedStyleSheets.push(hidden);
  customElements.define("ui-nav-menu", NavMenu);
  customElements.define("s-app-nav", class extends NavMenu {});
  customElements.define("ui-title-bar", TitleBar);
  customElements.define("ui-save-bar", SaveBar);
  customElements.define("ui-modal", Modal);

  if (reloadTo === null) tell("hello", { apiKey: config.apiKey, path: currentPath() });

  /** From the address of the first document, kept for those that follow it in this frame. */
  function readConfig(): Bridge["config"] {
    const script = document.currentScript as HTMLScriptElement | null;
    const meta = document.querySelector('meta[name="shopify-api-key"]');
    const kept = readKept();
    const found = {
      apiKey: meta?.getAttribute("content") ?? script?.dataset.apiKey ?? kept.apiKey ?? "",
      shop: params.get("shop") ?? kept.shop ?? "",
      host: params.get("host") ?? kept.host ?? "",
      locale: params.get("locale") ?? kept.locale ?? "en",
    };
    if (found.apiKey === "") {
      console.error("App Bridge: missing the API key (data-api-key or meta shopify-api-key).");
    }
    try {
      sessionStorage.setItem("app-bridge-config", JSON.stringify(found));
    } catch {
      // Storage may be refused in a frame of another site; then each document brings its own parameters.
    }
    return found;
  }

  function readKept(): Partial<Bridge["config"]> {
    try {
      return JSON.parse(sessionStorage.getItem("app-bridge-config") ?? "{}") as Partial<
        Bridge["config"]
      >;
    } catch {
      return {};
    }
  }

  /** `host` is the base64 of `admin.shopify.com/store/<name>`. */
  function decodedHost(host: string | null): string | null {
    if (host === null) return null;
    try {
      const place = atob(host);
      return /^[\w.-]+(\/store\/[\w-]+)?$/.test(place) ? place : null;
    } catch {
      return null;
    }
  }
})();
