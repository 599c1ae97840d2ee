/** The whole number that a person typed, null for anything else: "2.5", "two", "1e3", "-1". */
export function wholeNumber(text: string): number | null {
  const plain = text.trim();
  return /^\d{1,15}$/.test(plain) ? Number(plain) : null;
}

/** {@link wholeNumber} that may have a sign. */
export function signedWholeNumber(text: string): number | null {
  // Phones and office programs write a minus of their own.
  const [, sign = "", digits = ""] = /^([+\-−–]?)(.*)$/s.exec(text.trim()) ?? [];
  const value = /^\d/.test(digits) ? wholeNumber(digits) : null;
  if (value === null) return null;
  // There is no negative zero on a shelf.
  return sign === "" || sign === "+" || value === 0 ? value : -value;
}
