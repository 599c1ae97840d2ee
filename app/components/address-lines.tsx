import { BlockStack, Text } from "@shopify/polaris";
import type { Address } from "../database/schema.ts";
import { Name } from "./name.tsx";

/** Countries that write the town before the state and the code: "Portland, Oregon 97205". */
const townFirst = new Set(["US", "CA", "AU", "NZ", "IN"]);

/** An address as it stands on a parcel, without empty lines. */
export function addressLines(address: Address): string[] {
  const { name, company, address1, address2, zip, city, province, country, countryCode } = address;
  const townLine = townFirst.has(countryCode ?? "")
    ? [[city, province].filter(Boolean).join(", "), zip].filter(Boolean).join(" ")
    : [zip, city].filter(Boolean).join(" ");
  const region = townFirst.has(countryCode ?? "") ? null : province;
  return [name, company, address1, address2, townLine, region, country ?? countryCode].filter(
    (line): line is string => Boolean(line),
  );
}

export function AddressLines({ address }: { readonly address: Address }) {
  return (
    <BlockStack>
      {addressLines(address).map((line, index) => (
        <Text as="span" key={index}>
          <Name>{line}</Name>
        </Text>
      ))}
      {address.phone && (
        <Text as="span">
          <Name>{address.phone}</Name>
        </Text>
      )}
    </BlockStack>
  );
}

/** Whether two addresses say the same. */
export function sameAddress(a: Address | null, b: Address | null): boolean {
  if (!a || !b) return a === b;
  return addressLines(a).join("\n") === addressLines(b).join("\n");
}
