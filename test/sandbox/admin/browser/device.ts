/** What the sandbox pretends about this browser; the panel sets it, the frame acts on it. */
export interface BrowserFaults {
  /** The admin around the app gives no answers: `idToken` never comes back. */
  adminAway: boolean;
  /** The device has no network, as far as the app's page can tell. */
  deviceOffline: boolean;
}

/** Holds the faults of this tab, and tells those who listen. */
export class BrowserFaultState extends EventTarget {
  #faults: BrowserFaults = { adminAway: false, deviceOffline: false };

  get faults(): Readonly<BrowserFaults> {
    return this.#faults;
  }

  set(faults: Partial<BrowserFaults>) {
    const next = { ...this.#faults, ...faults };
    if (
      next.adminAway === this.#faults.adminAway &&
      next.deviceOffline === this.#faults.deviceOffline
    ) {
      return;
    }
    this.#faults = next;
    this.dispatchEvent(new Event("change"));
  }
}
