import { redirect, type LoaderFunctionArgs } from "@remix-run/node";
import { PlainPage } from "../components/PlainPage.tsx";

/** Shopify opens the app's address with the shop in the query; everything else is a visitor. */
export function loader({ request }: LoaderFunctionArgs) {
  const { searchParams } = new URL(request.url);
  if (searchParams.get("shop")) throw redirect(`/app?${searchParams.toString()}`);
  return null;
}

export default function Index() {
  return (
    <PlainPage title="Evenkeel">
      <p>Orders and inventory that stay usable while databases and APIs fail over.</p>
      <p>Evenkeel runs inside the Shopify admin: open it there, under Apps.</p>
    </PlainPage>
  );
}
