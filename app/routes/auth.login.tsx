import type { LoaderFunctionArgs } from "@remix-run/node";
import { useLoaderData } from "@remix-run/react";
import { PlainPage } from "../components/PlainPage.tsx";
import { WayBack } from "../components/way-back.tsx";

/** Which page was asked for; anything but a page of the app counts as its first one. */
export function loader({ request }: LoaderFunctionArgs) {
  const to = new URL(request.url).searchParams.get("to") ?? "";
  return { to: /^\/app(?:[/?]|$)/.test(to) ? to : "/app" };
}

/** Where a request goes that names no shop. Apps must never ask for a shop's domain. */
export default function Login() {
  const { to } = useLoaderData<typeof loader>();
  return (
    <PlainPage title="Open Evenkeel in your Shopify admin">
      <WayBack to={to} />
      <p>This address does not say which shop you want to open.</p>
      <p>In your Shopify admin, choose Apps and then Evenkeel.</p>
      <p>
        <a href="https://admin.shopify.com/" target="_top">
          Go to your Shopify admin
        </a>
      </p>
    </PlainPage>
  );
}
