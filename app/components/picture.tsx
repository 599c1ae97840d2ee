import { Icon } from "@shopify/polaris";
import { ImageIcon } from "@shopify/polaris-icons";
import { useCallback, useState } from "react";
import { pictureAddress } from "./picture-address.ts";

const sizes = { small: 40, large: 96 } as const;

export interface PictureProps {
  readonly url: string | null;
  /** Empty where the name stands beside the picture anyway. */
  readonly alt?: string;
  readonly size?: keyof typeof sizes;
}

/** A product's picture in a frame of fixed size, which stays when the picture is missing or cannot be had. */
export function Picture({ url, alt = "", size = "small" }: PictureProps) {
  const [failed, setFailed] = useState<string | null>(null);
  // A picture that failed before the page came alive has no event left to tell of it.
  const check = useCallback(
    (image: HTMLImageElement | null) => {
      if (image?.complete && image.naturalWidth === 0) setFailed(url);
    },
    [url],
  );
  const pixels = sizes[size];
  return (
    <span className={`ek-picture ek-picture-${size}`}>
      {url && failed !== url ? (
        <img
          ref={check}
          src={pictureAddress(url, pixels * 2)}
          alt={alt}
          width={pixels}
          height={pixels}
          loading="lazy"
          decoding="async"
          onError={() => setFailed(url)}
        />
      ) : (
        <Icon source={ImageIcon} tone="subdued" {...(alt ? { accessibilityLabel: alt } : {})} />
      )}
    </span>
  );
}
