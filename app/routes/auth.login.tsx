import { PlainPage } from "../components/PlainPage.tsx";

/** Where the library sends a request that names no shop. Apps must never ask for a shop's domain. */
export default function Login() {
  return (
    <PlainPage title="Open Evenkeel in your Shopify admin">
      <p>This address does not say which shop you want to open.</p>
      <p>In your Shopify admin, choose Apps and then Evenkeel.</p>
    </PlainPage>
  );
}
