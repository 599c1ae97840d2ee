/** A text that people gave: its own direction, so that a right-to-left name does not turn the line around. */
export function Name({ children }: { readonly children: string }) {
  return <bdi className="ek-name">{children}</bdi>;
}
