import { Banner, Card, Page } from "@shopify/polaris";
import { PrintIcon } from "@shopify/polaris-icons";
import { ListMessage } from "./list-states.tsx";
import { useWords } from "./localisation.tsx";
import { PackingSlip, type SlipOrder } from "./packing-slip.tsx";
import { TitleBar } from "./title-bar.tsx";

export interface SlipsPageProps {
  readonly orders: readonly SlipOrder[];
  readonly shopName: string;
  readonly back: { readonly content: string; readonly url: string };
  /** What has to be said before printing: orders that are missing, a limit that was reached. */
  readonly notices?: readonly string[];
}

/** Packing slips on the screen as they come out of the printer, one sheet per order. */
export function SlipsPage({ orders, shopName, back, notices = [] }: SlipsPageProps) {
  const words = useWords();
  const title = words.slip.title(orders.length);
  return (
    <Page
      narrowWidth
      title={title}
      backAction={back}
      {...(orders.length > 0
        ? {
            primaryAction: {
              content: words.common.print,
              icon: PrintIcon,
              onAction: () => window.print(),
            },
          }
        : {})}
    >
      <TitleBar title={title} />
      <div className="ek-sheets">
        {notices.map((notice) => (
          <div className="ek-screen-only" key={notice}>
            <Banner tone="warning">
              <p>{notice}</p>
            </Banner>
          </div>
        ))}
        {orders.length === 0 ? (
          <Card>
            <ListMessage icon={PrintIcon} {...words.slip.none} />
          </Card>
        ) : (
          orders.map((order) => <PackingSlip key={order.name} order={order} shopName={shopName} />)
        )}
      </div>
    </Page>
  );
}
