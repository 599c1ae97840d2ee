/** Says a short word at the foot of the admin. Outside the admin there is nobody to say it to. */
export function toast(message: string, options: { readonly isError?: boolean } = {}): void {
  window.shopify?.toast.show(message, options);
}
