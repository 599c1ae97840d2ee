import type { ReactNode } from "react";

/** A page outside the admin: no Polaris, no script needed. */
export function PlainPage({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ReactNode;
}) {
  return (
    <main
      style={{
        maxWidth: "34rem",
        margin: "20vh auto",
        padding: "0 1.5rem",
        fontFamily: "system-ui, sans-serif",
        lineHeight: 1.6,
        color: "#303030",
      }}
    >
      <h1 style={{ fontSize: "1.5rem" }}>{title}</h1>
      {children}
    </main>
  );
}
