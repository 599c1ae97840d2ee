/** Crockford's base 32: no letter that could be read as another, or as a digit. */
const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH = 7;

/**
 * The number by which an order that was taken here goes: `EK-4T7-K9QM`. It follows from the id that was made with the
 * form, so that it can be written on a parcel before anybody but the browser has heard of the order, and Shopify is
 * given it as a tag, by which the order is found again. One of 34 billion: a help for people and for searches, while
 * the id itself decides.
 */
export function takenNumber(id: string): string {
  // The end of an id is random in every version of UUID.
  let rest = BigInt(`0x${id.replaceAll("-", "").slice(-9)}`);
  let number = "";
  for (let place = 0; place < LENGTH; place++) {
    number = `${digits[Number(rest % 32n)]}${number}`;
    rest /= 32n;
  }
  return `EK-${number.slice(0, 3)}-${number.slice(3)}`;
}
