import type { DetailedHTMLProps, HTMLAttributes } from "react";

type BridgeElement = DetailedHTMLProps<HTMLAttributes<HTMLElement>, HTMLElement> & {
  readonly title?: string;
  readonly id?: string;
};

/** What App Bridge puts on the page, as far as the app uses it. */
interface AppBridge {
  readonly toast: {
    show(
      message: string,
      options?: { readonly isError?: boolean; readonly duration?: number },
    ): string;
  };
  readonly saveBar: {
    show(id: string): Promise<void>;
    hide(id: string): Promise<void>;
    leaveConfirmation(): Promise<void>;
  };
  /** The bar at the top of the admin. */
  loading(visible?: boolean): void;
  idToken(): Promise<string>;
}

declare module "@remix-run/node" {
  /** Loaders' answers keep their types on the way: a Date arrives as a Date. */
  interface Future {
    v3_singleFetch: true;
  }
}

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "ui-nav-menu": BridgeElement;
      "ui-title-bar": BridgeElement;
      "ui-save-bar": BridgeElement;
    }
  }
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- merges with React's, which has it
  interface ButtonHTMLAttributes<T> {
    /** App Bridge reads it from the buttons of title and save bars. */
    variant?: string;
  }
}

declare global {
  interface Window {
    /** Not there outside the admin, nor before App Bridge has loaded. */
    readonly shopify?: AppBridge;
  }
}
