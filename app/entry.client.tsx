import { RemixBrowser } from "@remix-run/react";
import { startTransition, StrictMode } from "react";
import { hydrateRoot } from "react-dom/client";
import { withOwnWrites } from "./components/own-writes.ts";

// A navigation that is overtaken by another one while its answer arrives ends in an AbortError that the router
// leaves unhandled. Nobody misses that answer.
addEventListener("unhandledrejection", (event) => {
  if (event.reason instanceof DOMException && event.reason.name === "AbortError") {
    event.preventDefault();
  }
});

window.fetch = withOwnWrites(window.fetch.bind(window), window);

startTransition(() => {
  hydrateRoot(
    document,
    <StrictMode>
      <RemixBrowser />
    </StrictMode>,
  );
});
