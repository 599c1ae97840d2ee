/**
 * What the App Bridge stand-in (inside the app's iframe) and the admin frame (around it) say to each other,
 * by `postMessage`. Types only: the stand-in is a classic script and can import nothing else.
 */

/** Marks our messages among those of extensions and developer tools. */
export type Channel = "evenkeel-sandbox-admin";

/** A button or link of a title bar or a save bar; the frame draws it, a click comes back by `key`. */
export interface BarAction {
  key: string;
  text: string;
  href: string | null;
  variant: "primary" | "breadcrumb" | "plain";
  critical: boolean;
  disabled: boolean;
  loading: boolean;
  /** The menu that it lies in, if it lies in one. */
  group: string | null;
}

/** What the app tells the frame; no answer is expected. */
export interface Tellings {
  hello: { apiKey: string; path: string };
  url: { path: string };
  nav: { items: { href: string; text: string; home: boolean }[] };
  titleBar: { title: string | null; actions: BarAction[] };
  saveBar: { id: string; visible: boolean; discardConfirmation: boolean; actions: BarAction[] };
  loading: { on: boolean };
  toast: {
    id: string;
    message: string;
    durationMs: number;
    isError: boolean;
    action: string | null;
  };
  toastHide: { id: string };
  /** A place in the admin (`/orders/1001`), or an address outside it. */
  open: { to: string; newTab: boolean };
}

/** What the app asks of the frame; each is answered, unless the admin is away. */
export interface Questions {
  idToken: { ask: Record<string, never>; answer: { token: string } };
  user: { ask: Record<string, never>; answer: { id: string; name: string } };
  leaveConfirmation: { ask: Record<string, never>; answer: { leave: boolean } };
  resourcePicker: {
    ask: { type: string; multiple: boolean; query: string };
    answer: { selection: { id: string; title: string }[] | null };
  };
}

/** What the frame tells the app. */
export interface Orders {
  navigate: { href: string };
  barAction: { key: string };
  toastAction: { id: string };
  toastDismiss: { id: string };
  /** The device as the sandbox pretends it to be. */
  device: { offline: boolean };
}

type Named<Kind extends string, Map> = {
  [Name in keyof Map & string]: { kind: Kind; name: Name; payload: Map[Name] };
}[keyof Map & string];

export type FromApp = { channel: Channel } & (
  | Named<"tell", Tellings>
  | {
      [Name in keyof Questions]: {
        kind: "ask";
        id: number;
        name: Name;
        payload: Questions[Name]["ask"];
      };
    }[keyof Questions]
);

export type FromFrame = { channel: Channel } & (
  | Named<"do", Orders>
  | { kind: "answer"; id: number; payload: Questions[keyof Questions]["answer"] }
  | { kind: "refuse"; id: number; message: string }
);
