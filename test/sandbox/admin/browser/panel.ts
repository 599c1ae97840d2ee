import type { SandboxAction, SandboxState } from "../controls.ts";
import type { FrameBoot } from "./boot.ts";
import type { BrowserFaults } from "./device.ts";
import { element, h } from "./dom.ts";

/**
 * The fault panel: what the sandbox's parts are doing, live, and a button for whatever can go wrong with them.
 * It is of the sandbox, not of the admin, and looks like it.
 */

const boot = JSON.parse(element("#boot").textContent) as FrameBoot;
const panel = element("#panel");
const root = document.documentElement;
const openKey = "sandbox-panel";

type Tone = "good" | "warn" | "bad" | "idle";

// ── Pieces ────────────────────────────────────────────────────────────────────────────────────────────

const dot = () => h("span", { class: "dot", "data-tone": "idle" });

function setTone(target: Element, tone: Tone) {
  target.setAttribute("data-tone", tone);
}

/** A button that posts an action, and waits as long as the action takes. */
function actionButton(
  text: string,
  action: () => SandboxAction,
  attributes: Record<string, string> = {},
): HTMLButtonElement {
  const button = h(
    "button",
    {
      type: "button",
      ...attributes,
      onclick: () => void press(button, action()),
    },
    text,
  );
  return button;
}

async function press(button: HTMLButtonElement, action: SandboxAction) {
  button.setAttribute("aria-busy", "true");
  button.disabled = true;
  try {
    await post(action);
  } finally {
    button.removeAttribute("aria-busy");
    button.disabled = false;
  }
}

async function post(action: SandboxAction): Promise<void> {
  const response = await fetch("/sandbox/actions", {
    method: "POST",
    headers: { "content-type": "application/json", "x-sandbox": "1" },
    body: JSON.stringify(action),
  }).catch(() => null);
  if (response?.ok) return showProblem(null);
  showProblem(response ? await response.text() : "The sandbox has ended.");
}

/** An on/off switch; `change` is told what it was switched to, `set` shows what is. */
function toggle(text: string, title: string, change: (on: boolean) => void) {
  const button = h(
    "button",
    {
      type: "button",
      class: "chip",
      title,
      "aria-pressed": "false",
      onclick: () => {
        change(button.getAttribute("aria-pressed") !== "true");
      },
    },
    text,
  );
  return {
    button,
    set: (on: boolean) => {
      button.setAttribute("aria-pressed", String(on));
    },
  };
}

function section(title: string, ...children: (Node | string)[]): HTMLElement {
  return h("section", {}, h("h2", {}, title), ...children);
}

/** A part of the sandbox: its light, its name, what it is doing, and what can be done to it. */
function part(name: string) {
  const light = dot();
  const state = h("span", { class: "part-state" });
  const detail = h("span", { class: "part-detail" });
  const acts = h("div", { class: "acts" });
  const title = h("span", { class: "part-name" }, name);
  const tags = h("span", { class: "tags" });
  const root = h(
    "div",
    { class: "part" },
    h("div", { class: "part-head" }, light, title, tags, state),
    detail,
    acts,
  );
  return {
    root,
    light,
    acts,
    tag(names: readonly string[]) {
      tags.replaceChildren(...names.map((text) => h("span", { class: "tag" }, text)));
    },
    show(tone: Tone, words: string, details: string) {
      setTone(light, tone);
      state.textContent = words;
      detail.textContent = details;
    },
  };
}

/** Shows those of the buttons that make sense now. */
function showOnly(buttons: Record<string, HTMLButtonElement>, ...names: string[]) {
  for (const [name, button] of Object.entries(buttons)) button.hidden = !names.includes(name);
}

const clock = (iso: string) => new Date(iso).toLocaleTimeString("en-GB");
const count = (value: number) => value.toLocaleString("en");

function bytes(value: number): string {
  if (value < 1024) return `${value} bytes`;
  if (value < 1024 * 1024) return `${Math.round(value / 1024)} kB`;
  return `${(value / 1024 / 1024).toFixed(1)} MB`;
}

function plural(value: number, one: string, many: string): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

// ── Lost so far ───────────────────────────────────────────────────────────────────────────────────────

const lostNumber = h("output", { class: "lost-number" }, "0");
const lostWords = h("p", { class: "lost-words" });
const lostRows = h("tbody");
const lostCard = h(
  "section",
  { class: "lost", "data-tone": "idle" },
  h("h2", {}, "Lost so far"),
  lostNumber,
  lostWords,
  h(
    "details",
    {},
    h("summary", {}, "What is compared"),
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ...["", "should be", "are", "lost", "twice"].map((head) =>
            h("th", { scope: "col" }, head),
          ),
        ),
      ),
      lostRows,
    ),
    h(
      "p",
      {},
      "The sandbox reads the app’s tables by a connection of its own and lays them beside what it knows itself: " +
        "the orders that the shops hold, the webhooks that the app answered with 200, and the changes that the shops " +
        "have on their books under the app’s keys. It compares only when everything is up and nothing is on its way; " +
        "until then the last result stands, with its time.",
    ),
  ),
);

function showLost(lost: SandboxState["lost"]) {
  const lines = lost?.rows.reduce((sum, row) => sum + row.expected, 0) ?? 0;
  lostNumber.textContent = lost === null || lost.comparedAt === null ? "–" : count(lost.lost);
  setTone(
    lostCard,
    lost === null || lost.comparedAt === null ? "idle" : lost.lost > 0 ? "bad" : "good",
  );
  lostWords.textContent =
    lost === null
      ? "Compared once the app has been opened and its import is through."
      : [
          lost.comparedAt === null
            ? "Not compared yet."
            : `${count(lines)} things compared at ${clock(lost.comparedAt)}.`,
          lost.waitingFor === null ? "" : `Next when ${lost.waitingFor}.`,
        ].join(" ");
  lostRows.replaceChildren(
    ...(lost?.rows ?? []).map((row) =>
      h(
        "tr",
        { "data-tone": row.lost + row.doubled > 0 ? "bad" : "good" },
        h("th", { scope: "row" }, row.what),
        ...[row.expected, row.found, row.lost, row.doubled].map((value) =>
          h("td", {}, count(value)),
        ),
      ),
    ),
  );
}

// ── The app ───────────────────────────────────────────────────────────────────────────────────────────

const app = part("Evenkeel");
const appButtons = {
  kill: actionButton("Kill −9", () => ({ action: "app.process", do: "kill" }), { class: "danger" }),
  stop: actionButton("Stop", () => ({ action: "app.process", do: "stop" })),
  restart: actionButton("Restart", () => ({ action: "app.process", do: "restart" })),
  start: actionButton("Start", () => ({ action: "app.process", do: "start" }), { class: "strong" }),
};
app.acts.append(...Object.values(appButtons));

function showApp(state: SandboxState["app"]) {
  const words = {
    ready: ["good", "ready"],
    starting: ["warn", "starting"],
    "not-ready": ["warn", "not ready"],
    down: ["bad", "down"],
  } as const;
  const [tone, word] = words[state.state];
  app.show(
    tone,
    word,
    [
      state.pid === null ? null : `process ${state.pid}`,
      state.rssMb === null ? null : `${state.rssMb} MB`,
      state.restarts > 0 ? plural(state.restarts, "restart", "restarts") : null,
      `since ${clock(state.since)}`,
    ]
      .filter(Boolean)
      .join(" · "),
  );
  if (state.state === "down") showOnly(appButtons, "start");
  else showOnly(appButtons, "kill", "stop", "restart");
}

// ── The database ──────────────────────────────────────────────────────────────────────────────────────

const databaseParts = h("div", { class: "parts" });
const nodes = new Map<
  string,
  { part: ReturnType<typeof part>; buttons: Record<string, HTMLButtonElement> }
>();

function nodeOf(name: string) {
  const known = nodes.get(name);
  if (known) return known;
  const made = part(`Postgres ${name}`);
  const button = (
    text: string,
    act: Extract<SandboxAction, { action: "database.node" }>["do"],
    attributes = {},
  ) => actionButton(text, () => ({ action: "database.node", node: name, do: act }), attributes);
  const buttons = {
    crash: button("Crash", "crash", {
      class: "danger",
      title: "kill -9 for every process of the node",
    }),
    freeze: button("Freeze", "freeze", { title: "SIGSTOP: connections hang" }),
    thaw: button("Thaw", "thaw", { class: "strong" }),
    shutdown: button("Shut down", "shutdown", {
      title: "Fast shutdown: sessions are told (57P01)",
    }),
    start: button("Start", "start", { title: "Comes back as what it was, primary or standby" }),
    rejoin: button("Rejoin", "rejoin", {
      class: "strong",
      title: "Comes back as a standby, from a fresh copy of the primary",
    }),
  };
  made.acts.append(...Object.values(buttons));
  databaseParts.append(made.root);
  const entry = { part: made, buttons };
  nodes.set(name, entry);
  return entry;
}

const failover = actionButton("Fail over to the standby", () => ({ action: "database.failover" }), {
  class: "wide",
});
const modes = (["sync", "async"] as const).map((mode) => ({
  mode,
  ...toggle(
    mode === "sync" ? "Synchronous" : "Asynchronous",
    mode === "sync" ? "Commits wait for the standby" : "Commits do not wait for the standby",
    () => {
      void post({ action: "database.replication", mode });
    },
  ),
}));
const toxics = (
  [
    ["latency", "Slow", "Every answer takes 300 ms longer"],
    ["timeout", "Silent", "Nothing gets through; connections stay open"],
    ["reset_peer", "Reset", "Connections are reset"],
    ["limit_data", "Cut", "Connections end after 8 kB"],
    ["bandwidth", "Narrow", "20 kB per second"],
    ["slicer", "In pieces", "Answers come in pieces of 100 bytes, with a pause between them"],
    [
      "lost_answer",
      "Commits unanswered",
      "A commit is done, but its answer never arrives and the connection is reset",
    ],
    [
      "blackhole",
      "Unreachable",
      "As if the cable were cut: who connects gets no answer, and open connections fall silent",
    ],
  ] as const
).map(([name, text, title]) => ({
  name,
  ...toggle(text, `${title} (${name})`, (on) => {
    void post({ action: "database.toxic", toxic: name, on });
  }),
}));
const toxicRow = h("div", { class: "chips" }, ...toxics.map(({ button }) => button));

const nameModes = (
  [
    ["stale", "Stale", "A cache that lives too long: the addresses from before, whatever moves"],
    ["both", "Old and new", "A change half-way through: both addresses, the old one first"],
    ["nxdomain", "No such name", "The names are not known (NXDOMAIN)"],
    ["servfail", "Failing", "The name server says that it failed (SERVFAIL)"],
    ["silent", "No answer", "The name server does not answer at all"],
  ] as const
).map(([mode, text, title]) => ({
  mode,
  ...toggle(text, `${title}. Felt by connections that are opened from now on.`, (on) => {
    void post({ action: "database.names", mode: on ? mode : "normal" });
  }),
}));
const names = h(
  "div",
  {},
  h("h3", {}, "Names of the nodes"),
  h("div", { class: "chips" }, ...nameModes.map(({ button }) => button)),
);

function showDatabase(state: SandboxState["database"]) {
  databaseSection.hidden = state === null;
  if (state === null) return;
  for (const node of state.nodes) {
    const { part: shown, buttons } = nodeOf(node.name);
    const tone: Tone =
      node.state === "primary" || node.state === "standby"
        ? node.role === node.state
          ? "good"
          : "warn"
        : node.state === "down"
          ? "bad"
          : "warn";
    shown.show(
      tone,
      node.state === "primary" && node.role === "standby" ? "primary, cut off" : node.state,
      [
        node.timeline === null ? null : `timeline ${node.timeline}`,
        node.lagBytes === null || node.state !== "standby"
          ? null
          : node.lagBytes === 0
            ? "in step"
            : `${bytes(node.lagBytes)} behind`,
        node.connections === null ? null : plural(node.connections, "connection", "connections"),
      ]
        .filter(Boolean)
        .join(" · "),
    );
    shown.tag(node.endpoints);
    if (node.state === "frozen") showOnly(buttons, "thaw", "crash");
    else if (node.state === "down" && node.role === "primary") showOnly(buttons, "start");
    else if (node.state === "down") showOnly(buttons, "rejoin", "start");
    else if (node.state === "primary" && node.role === "standby")
      showOnly(buttons, "rejoin", "crash");
    else showOnly(buttons, "crash", "freeze", "shutdown");
  }
  failover.hidden = !state.nodes.some(({ role, promotable }) => role === "standby" && promotable);
  for (const { mode, set } of modes) set(state.replication === mode);
  for (const { name, set } of toxics) set(state.toxics.includes(name));
  names.hidden = state.names === null;
  for (const { mode, set } of nameModes) set(state.names === mode);
}

const databaseSection = section(
  "Database",
  databaseParts,
  failover,
  h("h3", {}, "Replication"),
  h("div", { class: "segments" }, ...modes.map(({ button }) => button)),
  h("h3", {}, "On the wire to the writer"),
  toxicRow,
  names,
);

// ── Shopify ───────────────────────────────────────────────────────────────────────────────────────────

const shopify = part("Shopify");
const groupTitles = {
  wire: "Connection",
  answer: "Answers",
  refusal: "Refusals",
  effect: "Effects",
} as const;
const shopifyFaults = boot.shopifyFaults.map(({ kind, title, group }) => ({
  kind,
  group,
  ...toggle(title, kind, (on) => {
    void post({ action: "shopify.fault", kind, on });
  }),
}));
const clearShopify = actionButton("Clear all", () => ({ action: "shopify.clear" }), {
  class: "strong",
});
shopify.acts.append(clearShopify);
const webhookWords = h("p", { class: "small" });

function showShopify(state: SandboxState["shopify"]) {
  shopifySection.hidden = state === null;
  if (state === null) return;
  const faults = state.faults;
  shopify.show(
    faults.length === 0 ? "good" : faults.some(({ kind }) => kind === "down") ? "bad" : "warn",
    faults.length === 0 ? "answering" : plural(faults.length, "fault", "faults"),
    [
      `${plural(state.requestsLastMinute, "request", "requests")} in the last minute`,
      ...faults.map(({ title, struck }) => `${title}: struck ${count(struck)}×`),
    ].join(" · "),
  );
  clearShopify.hidden = faults.length === 0;
  for (const { kind, set } of shopifyFaults) set(faults.some((fault) => fault.kind === kind));
  const { delivered, waiting, failedAttempts } = state.webhooks;
  webhookWords.textContent = `Webhooks: ${count(delivered)} taken by the app, ${count(waiting)} on their way, ${plural(failedAttempts, "attempt", "attempts")} failed.`;
}

function faultChips(...groups: (keyof typeof groupTitles)[]): Node[] {
  return groups.flatMap((group) => {
    const chips = shopifyFaults.filter((fault) => fault.group === group);
    return chips.length === 0
      ? []
      : [
          h("h3", {}, groupTitles[group]),
          h("div", { class: "chips" }, ...chips.map(({ button }) => button)),
        ];
  });
}

const shopifySection = section(
  "Shopify",
  shopify.root,
  ...faultChips("wire", "effect"),
  h("details", {}, h("summary", {}, "Answers and refusals"), ...faultChips("answer", "refusal")),
  webhookWords,
);

// ── This browser ──────────────────────────────────────────────────────────────────────────────────────

const device = part("This tab");
const adminAway = toggle(
  "Admin away",
  "App Bridge’s idToken() gets no answer, so that no request to the app can be signed",
  (on) => {
    window.sandboxFaults.set({ adminAway: on });
  },
);
const deviceOffline = toggle(
  "Device offline",
  "The page sees navigator.onLine = false, and its requests to the app fail. The frame cannot cut the real network: for that, use the developer tools’ Network tab, Offline.",
  (on) => {
    window.sandboxFaults.set({ deviceOffline: on });
  },
);
device.acts.append(adminAway.button, deviceOffline.button);

function showDevice(faults: Readonly<BrowserFaults>) {
  adminAway.set(faults.adminAway);
  deviceOffline.set(faults.deviceOffline);
  if (faults.deviceOffline) {
    device.show("bad", "offline", "Requests of the app’s page fail; it gets no session token.");
  } else if (faults.adminAway) {
    device.show("warn", "admin away", "idToken() gets no answer.");
  } else device.show("good", "online", "Only this tab is affected by these two.");
}

// ── Life in the shops ─────────────────────────────────────────────────────────────────────────────────

const ordersPerMinute = h("input", {
  type: "range",
  id: "orders-per-minute",
  min: "0",
  max: "7",
  step: "1",
  value: "0",
  onchange: () => {
    void post({ action: "traffic.orders", perMinute: paces[Number(ordersPerMinute.value)] ?? 0 });
  },
  oninput: () => {
    showPace(paces[Number(ordersPerMinute.value)] ?? 0);
  },
});
const paces = [0, 1, 6, 20, 60, 120, 300, 600];
const pace = h("output", { for: "orders-per-minute" }, "none");

function showPace(perMinute: number) {
  pace.textContent = perMinute === 0 ? "none" : `${count(perMinute)} a minute`;
}

let webhookTrouble = { duplicatePercent: 0, disorderPercent: 0 };
const duplicates = toggle("Webhooks twice (10 %)", "A tenth of the webhooks comes twice", (on) => {
  void post({ action: "traffic.webhooks", ...webhookTrouble, duplicatePercent: on ? 10 : 0 });
});
const disorder = toggle(
  "Out of order (20 %)",
  "A fifth of the webhooks is overtaken by later ones",
  (on) => {
    void post({ action: "traffic.webhooks", ...webhookTrouble, disorderPercent: on ? 20 : 0 });
  },
);

function inShop(text: string, act: Extract<SandboxAction, { action: "shop.do" }>["do"]) {
  return actionButton(text, () => ({ action: "shop.do", shop: boot.shop, do: act }));
}

const trafficSection = section(
  "In the shops",
  h(
    "div",
    { class: "slider" },
    h("label", { for: "orders-per-minute" }, "New orders"),
    pace,
    ordersPerMinute,
  ),
  h(
    "div",
    { class: "acts" },
    inShop("Place an order", "place-order"),
    inShop("Fulfil an order", "fulfil-order"),
    inShop("Change stock", "change-stock"),
    inShop("Edit a product", "edit-product"),
  ),
  h("div", { class: "chips" }, duplicates.button, disorder.button),
);

function showTraffic(state: SandboxState) {
  const { ordersPerMinute: perMinute } = state.traffic;
  if (document.activeElement !== ordersPerMinute) {
    ordersPerMinute.value = String(
      Math.max(
        0,
        paces.findLastIndex((one) => one <= perMinute),
      ),
    );
    showPace(perMinute);
  }
  if (state.shopify) {
    const { duplicatePercent, disorderPercent } = state.shopify.webhooks;
    webhookTrouble = { duplicatePercent, disorderPercent };
    duplicates.set(duplicatePercent > 0);
    disorder.set(disorderPercent > 0);
  }
}

// ── What happened ─────────────────────────────────────────────────────────────────────────────────────

const problem = h("p", { class: "problem", role: "alert", hidden: true });
function showProblem(text: string | null) {
  problem.hidden = text === null;
  problem.textContent = text ?? "";
}

const log = h("ol", { class: "log" });
/** The newest line is always in sight, wherever the panel is scrolled to. */
const latest = h("p", { class: "latest", role: "status" });
function showLog(entries: SandboxState["log"]) {
  const newest = entries.at(-1);
  latest.textContent = newest ? newest.text : "Nothing has happened yet.";
  log.replaceChildren(
    ...entries
      .toReversed()
      .map(({ at, text, tone }) =>
        h("li", { "data-tone": tone }, h("time", { datetime: at }, clock(at)), h("span", {}, text)),
      ),
  );
}

const allWell = actionButton("Make all well again", () => ({ action: "all.well" }), {
  class: "strong wide",
});
allWell.addEventListener("click", () => {
  window.sandboxFaults.set({ adminAway: false, deviceOffline: false });
});

// ── Together ──────────────────────────────────────────────────────────────────────────────────────────

const railDots = h("span", { class: "rail-dots" });
const openButton = h(
  "button",
  {
    class: "rail",
    type: "button",
    "aria-label": "Open the sandbox controls",
    "aria-expanded": "false",
  },
  railDots,
  h("span", { class: "rail-text" }, "Sandbox"),
);
const closeButton = h(
  "button",
  { class: "panel-close", type: "button", "aria-label": "Close the sandbox controls" },
  "✕",
);
const connection = h(
  "p",
  { class: "problem", hidden: true },
  "The sandbox has ended. Start it again, then reload.",
);

panel.append(
  openButton,
  h(
    "div",
    { class: "panel-body" },
    h(
      "header",
      {},
      h(
        "div",
        {},
        h("h1", {}, "Sandbox"),
        h("p", { class: "small" }, "Break something. The work goes on."),
      ),
      closeButton,
    ),
    connection,
    problem,
    lostCard,
    databaseSection,
    shopifySection,
    section("App", app.root),
    section("Browser", device.root),
    trafficSection,
    section("What happened", log),
  ),
  h("footer", {}, latest, allWell),
);

function setOpen(open: boolean, remember = true) {
  root.dataset.panel = open ? "open" : "closed";
  openButton.setAttribute("aria-expanded", String(open));
  if (remember) localStorage.setItem(openKey, open ? "open" : "closed");
}
openButton.addEventListener("click", () => {
  setOpen(true);
  closeButton.focus();
});
closeButton.addEventListener("click", () => {
  setOpen(false);
  openButton.focus();
});
const remembered = localStorage.getItem(openKey);
setOpen(remembered === null ? innerWidth >= 1400 : remembered === "open", false);

function showRail(state: SandboxState) {
  const light = (tone: string | null, title: string) =>
    h("span", { class: "dot", "data-tone": tone ?? "idle", title });
  railDots.replaceChildren(
    light(app.light.dataset.tone ?? null, "Evenkeel"),
    ...[...nodes].map(([name, { part: shown }]) =>
      light(shown.light.dataset.tone ?? null, `Postgres ${name}`),
    ),
    ...(state.shopify ? [light(shopify.light.dataset.tone ?? null, "Shopify")] : []),
    light(device.light.dataset.tone ?? null, "This tab"),
  );
}

let last: SandboxState | null = null;
function show(state: SandboxState) {
  last = state;
  showLost(state.lost);
  showApp(state.app);
  showDatabase(state.database);
  showShopify(state.shopify);
  showTraffic(state);
  showLog(state.log);
  showRail(state);
}

showDevice(window.sandboxFaults.faults);
window.sandboxFaults.addEventListener("change", () => {
  showDevice(window.sandboxFaults.faults);
  if (last) showRail(last);
});

const events = new EventSource("/sandbox/events");
events.addEventListener("message", (event: MessageEvent<string>) => {
  connection.hidden = true;
  show(JSON.parse(event.data) as SandboxState);
});
events.addEventListener("error", () => {
  connection.hidden = false;
});
