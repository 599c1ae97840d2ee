/** The page's name in the admin's own title bar, above the app. */
export function TitleBar({ title }: { readonly title: string }) {
  return <ui-title-bar title={title} />;
}
