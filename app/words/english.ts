import type { AdjustmentReason, InventorySort, StockFilter } from "../inventory/types.ts";
import type {
  FulfillmentStatus,
  HoldReason,
  OrderSort,
  OrderTab,
  PaymentStatus,
} from "../orders/types.ts";
import type { ProductSort, ProductStatus } from "../products/types.ts";
import type { Choice, StoryAction } from "../commands/overrides.ts";
import type { CommandKind, CommandState } from "../commands/types.ts";
import type { DeliveryState, SyncPhase } from "../database/schema.ts";
import { taking } from "./taking.ts";

/**
 * Everything that merchants read, in one place, so that a language is one file. Plain and short; says what is
 * affected, what still works and what to do next; no codes, no blame, no exclamation marks.
 */
export function english(locale: string) {
  const number = new Intl.NumberFormat(locale);
  const plurals = new Intl.PluralRules("en");
  /** "1 order", "1,204 orders" */
  const count = (n: number, one: string, many = `${one}s`) =>
    `${number.format(n)} ${plurals.select(n) === "one" ? one : many}`;

  const orders = (n: number) => count(n, "order");
  const units = (n: number) => count(n, "item");
  const variants = (n: number) => count(n, "variant");
  const changes = (n: number) => count(n, "change");

  return {
    count: {
      orders,
      units,
      variants,
      changes,
      products: (n: number) => count(n, "product"),

      tries: (n: number) => count(n, "try", "tries"),
    },

    pages: {
      overview: "Overview",
      orders: "Orders",
      inventory: "Inventory",
      products: "Products",
      resilience: "Resilience",
      settings: "Settings",
      packingSlip: "Packing slip",
      packingSlips: "Packing slips",
    },

    taking,

    common: {
      search: "Search",

      clearSearch: "Clear search and filters",
      tryAgain: "Try again",
      save: "Save",
      discard: "Discard",
      cancel: "Cancel",
      print: "Print",

      previous: "Previous",
      next: "Next",

      none: "None",

      showTable: "Show as a table",
      showChart: "Show as a chart",

      loading: "Loading",

      showing: (shown: number, total: number | null, what: (n: number) => string) =>
        total === null
          ? `${number.format(shown)} of more than ${what(10_000)}`
          : shown === total
            ? what(total)
            : `${number.format(shown)} of ${what(total)}`,
      more: (n: number) => `and ${number.format(n)} more`,
    },

    source: {
      behind: (age: string) => `${age} behind`,
      saved: (time: string) => `Saved copy from ${time}`,
      device: (time: string) => `On this device, from ${time}`,
    },

    problem: {
      title: "This page could not be loaded",
      database: {
        title: "We can't reach our database right now",
        what: "This page can't be shown until it is back. That usually takes a few seconds.",
      },
      failed: {
        what: "Evenkeel ran into a fault of its own while it prepared this page.",
      },
      unreachable: {
        title: "Evenkeel can't be reached from this device",
        what: "The connection was lost, or our server is being restarted.",
      },
      safe: "Your shop and everything you saved are safe. Changes that are on their way go on by themselves.",
      reference: (id: string) => `If you write to us about this, quote reference ${id}.`,
    },

    notFound: {
      order: {
        title: "There is no such order here",
        what: "It may have been deleted, or it is older than the orders that Evenkeel may read.",
        back: "Back to orders",
      },
      product: {
        title: "There is no such product here",
        what: "It may have been deleted in Shopify, or the address has a mistake.",
        back: "Back to products",
      },
      page: {
        title: "There is no such page",
        what: "The address has a mistake, or the page has moved.",
        back: "Go to the overview",
      },
    },

    /** What a form's answer can be, beyond the problems that stand beside a field. */
    submit: {
      unreachable:
        "This could not be sent: Evenkeel can't be reached from this device. What you entered is still here. Try again in a moment.",
      failed:
        "This could not be saved, because of a fault on our side. What you entered is still here. Try again in a moment.",
      away: "This could not be kept: we can't reach our database right now. What you entered is still here. Try again in a moment.",
      reference: (id: string) => `Reference ${id}`,
      invalid: "Some entries need another look.",
    },

    importing: {
      title: "Your shop is being imported",
      intro:
        "This happens once. You can go on working: what is listed as ready can be used already.",
      phase: {
        locations: "Locations",
        products: "Products",
        inventory: "Stock",
        orders: "Orders of the last 60 days",
      },
      waiting: "Waiting",
      ready: "Ready",
      of: (done: number, total: number | null) =>
        total === null
          ? `${number.format(done)} so far`
          : `${number.format(done)} of ${number.format(total)}`,
      listEmpty: {
        orders: "Orders appear here as they are imported.",
        inventory: "Stock appears here as it is imported.",
        products: "Products appear here as they are imported.",
      },
      listPartial: {
        orders: "Older orders are still being imported.",
        inventory: "More stock is still being imported.",
        products: "More products are still being imported.",
      },
      failed: {
        title: "The import stopped before it was finished",
        what: "What was imported so far is shown. The import goes on by itself as soon as it can.",
      },
    },

    change: {
      /** What a change is, with what it changes. */
      title: {
        "inventory.adjust": (subject: string) => `Adjust stock of ${subject}`,
        "inventory.set": (subject: string) => `Set stock of ${subject}`,
        "order.fulfil": (subject: string) => `Fulfil ${subject}`,
        "order.edit": (subject: string) => `Edit note or tags of ${subject}`,
        "order.hold": (subject: string) => `Hold fulfillment of ${subject}`,
        "order.release": (subject: string) => `Release hold of ${subject}`,
        "order.cancel-fulfilment": (subject: string) => `Cancel a fulfillment of ${subject}`,
        "order.take": (subject: string) => `Take order ${subject}`,
      } satisfies Record<CommandKind, (subject: string) => string>,
      ring: {
        device: "Kept on this device",
        server: "On the server, waiting for the database",
        shopify: "Waiting for Shopify",
        sending: "Sending to Shopify",
        checking: "Checking with Shopify",
        held: "Held",
        done: "Done",
        discarded: "Discarded",
        "needs-you": "Needs you",
      },
      onItsWay: "Your change, not yet at Shopify",
    },

    payment: {
      pending: "Payment pending",
      authorized: "Authorized",
      partially_paid: "Partially paid",
      paid: "Paid",
      partially_refunded: "Partially refunded",
      refunded: "Refunded",
      voided: "Voided",
      expired: "Expired",
    } satisfies Record<PaymentStatus, string>,

    fulfillment: {
      unfulfilled: "Unfulfilled",
      partially_fulfilled: "Partially fulfilled",
      fulfilled: "Fulfilled",
      in_progress: "In progress",
      on_hold: "On hold",
      scheduled: "Scheduled",
      open: "Open",
      pending_fulfillment: "Pending fulfillment",
      request_declined: "Request declined",
      restocked: "Restocked",
    } satisfies Record<FulfillmentStatus, string>,
    cancelled: "Cancelled",

    overview: {
      notYet: {
        orders: "Your orders are still being imported.",
        stock: "Your stock is still being imported.",
      },
      soFar: "Older orders are still being imported.",
      toFulfil: {
        title: "To fulfil",
        none: "Nothing waits to be sent.",
        oldest: (age: string) => `The oldest was placed ${age}.`,
        onHold: (n: number) => `${orders(n)} on hold`,
        action: "Fulfil orders",
      },
      lowStock: {
        title: "Low stock",
        none: "Nothing is running low.",

        out: "Out of stock",
        below: (n: number) =>
          n < 0 ? `${number.format(-n)} oversold` : `${number.format(n)} left`,
        action: (n: number) => `View all ${number.format(n)}`,
      },
      changes: {
        title: "Changes on their way",
        none: "All your changes are at Shopify.",
        needYou: (n: number) => `${changes(n)} ${n === 1 ? "needs" : "need"} you`,
        onTheWay: (n: number) => `${changes(n)} on the way to Shopify`,
        action: "View changes",
      },
      ordersByDay: {
        title: "Orders of the last 14 days",
        summary: (n: number, busiest: string, most: number) =>
          n === 0
            ? "No orders in the last 14 days."
            : `${orders(n)} in all. The busiest day was ${busiest} with ${number.format(most)}.`,
        day: "Day",
        orders: "Orders",
      },
      status: {
        well: "All is well.",
        asOf: (time: string) => `Orders and stock are as of ${time}.`,
        importing: "The first import is running.",
        needYou: (n: number) => `${changes(n)} ${n === 1 ? "needs" : "need"} you.`,
        onTheWay: (n: number) => `${changes(n)} on the way to Shopify. Nothing for you to do.`,
        more: "Details",
      },
    },

    orders: {
      resource: { singular: "order", plural: "orders" },
      tabs: {
        all: "All",
        "to-fulfil": "To fulfil",
        "on-hold": "On hold",
        waiting: "Waiting for Shopify",
        "taken-here": "Taken here",
      } satisfies Record<OrderTab, string>,
      columns: {
        order: "Order",
        date: "Date",
        customer: "Customer",
        total: "Total",
        payment: "Payment",
        fulfillment: "Fulfillment",
        items: "Items",
        location: "Location",
        tags: "Tags",
      },
      sorts: {
        placed: ["Date", "Oldest first", "Newest first"],
        updated: ["Last changed", "Longest ago first", "Latest first"],
        total: ["Total", "Lowest first", "Highest first"],
        customer: ["Customer", "A to Z", "Z to A"],
      } satisfies Record<OrderSort, readonly [string, string, string]>,
      search: "Search by order, customer, e-mail, SKU or tracking number",
      filters: {
        payment: "Payment",
        fulfillment: "Fulfillment",
        location: "Location",
        tag: "Tag",
        tagHelp: "Orders that have exactly this tag.",
        date: "Date",
        from: "From",
        until: "Until",
        placedBetween: (from: string, until: string) => `Placed ${from} to ${until}`,
        placedSince: (from: string) => `Placed since ${from}`,
        placedUntil: (until: string) => `Placed until ${until}`,
        tagged: (tag: string) => `Tagged ${tag}`,

        unknownLocation: "a location that is gone",
      },
      noCustomer: "No customer",
      units: (total: number, open: number) =>
        open === total || open === 0 ? units(total) : `${number.format(open)} of ${units(total)}`,
      empty: {
        title: "Your orders will be listed here",
        what: "As soon as a customer places an order in your shop, it shows up here, ready to be packed and sent.",
      },
      emptyTab: {
        "to-fulfil": ["Everything is sent", "New orders that wait to be sent show up here."],
        "on-hold": ["No order is on hold", "Orders whose fulfillment is on hold show up here."],
        waiting: [
          "No order waits for Shopify",
          "While a change of an order is on its way to Shopify, the order shows up here.",
        ],
        "taken-here": [
          "No order was taken here",
          "Orders that begin in Evenkeel, rather than in your shop, show up here.",
        ],
      } satisfies Record<Exclude<OrderTab, "all">, readonly [string, string]>,
      noResults: {
        title: "No orders found",
        searched: (text: string) => `Nothing matches “${text}”.`,
        searchedAndFiltered: (text: string) => `Nothing matches “${text}” and the chosen filters.`,
        filtered: "Nothing matches the chosen filters.",
      },
      views: {
        saved: (name: string) => `View ${name} saved`,
        deleted: (name: string) => `View ${name} deleted`,
        failed: "The view could not be saved. Try again in a moment.",
        deleteFailed: "The view could not be deleted. Try again in a moment.",
      },
      printSlips: "Print packing slips",
      bulk: {
        action: { fulfil: "Fulfil", tag: "Add tags", hold: "Hold", release: "Release" },
        ask: {
          fulfil: (n: number) => `Fulfil ${orders(n)}?`,
          tag: (n: number) => `Add tags to ${orders(n)}`,
          hold: (n: number) => `Hold ${orders(n)}?`,
          release: (n: number) => `Release ${orders(n)}?`,
        },
        what: {
          fulfil: "Everything that is left to send is marked as sent, without a tracking number.",
          tag: "Tags that an order has already stay as they are.",
          hold: "What is left to send is held back until it is released.",
          release: "What is on hold can be sent again.",
        },
        tags: "Tags",
        tagsHelp: "Separate several with commas.",
        tagsMissing: "Enter a tag.",
        reason: "Reason",
        holdReason: {
          inventory_out_of_stock: "Out of stock",
          incorrect_address: "The address is wrong",
          high_risk_of_fraud: "High risk of fraud",
          awaiting_payment: "Waiting for the payment",
          awaiting_return_items: "Waiting for returned items",
          unknown_delivery_date: "The delivery date is not known",
          other: "Another reason",
        } satisfies Record<HoldReason, string>,
        accepted: (n: number) =>
          n === 0 ? "Nothing was changed" : `${changes(n)} on the way to Shopify`,
        failed: "This could not be kept. Choose the orders again and repeat it in a moment",
        leftOut: (n: number) => `${orders(n)} ${n === 1 ? "was" : "were"} left out`,
        underWay: {
          "order.fulfil": "Fulfilling orders",
          "order.edit": "Adding tags",
          "order.hold": "Holding orders",
          "order.release": "Releasing orders",
        } as Readonly<Partial<Record<CommandKind, string>>>,
        progress: (what: string, settled: number, total: number, needYou: number) =>
          [
            `${what}: ${number.format(settled)} of ${changes(total)} at Shopify.`,
            needYou > 0 ? `${changes(needYou)} ${needYou === 1 ? "needs" : "need"} you.` : "",
          ]
            .filter(Boolean)
            .join(" "),
        look: "View changes",
      },
    },

    order: {
      title: (name: string) => `Order ${name}`,
      placed: (moment: string) => `Placed ${moment}`,
      placedVia: (moment: string, source: string) => `Placed ${moment} through ${source}`,
      sources: {
        web: "the online store",
        pos: "Point of Sale",
        shopify_draft_order: "a draft order",
        evenkeel: "Evenkeel",
        iphone: "the Shopify app",
        android: "the Shopify app",
      } as Readonly<Record<string, string>>,

      previous: "Previous order",
      next: "Next order",
      fulfil: "Fulfil items",
      packingSlip: "Packing slip",
      cancelled: {
        title: (moment: string) => `This order was cancelled ${moment}`,
        reason: (reason: string) => `Reason: ${reason}`,
        reasons: {
          customer: "the customer changed their mind",
          declined: "the payment was declined",
          fraud: "it was fraudulent",
          inventory: "items were not in stock",
          staff: "a mistake by staff",
          other: "other",
        } as Readonly<Record<string, string>>,
      },
      sections: {
        toFulfil: "To fulfil",
        onHold: "On hold",
        scheduled: "Scheduled",
        inProgress: "In progress",
        fulfilled: "Fulfilled",
        items: "Items",
        removed: "Removed or refunded",
        summary: "Payment",
        timeline: "Timeline",
        customer: "Customer",
        contact: "Contact",
        shipping: "Shipping address",
        billing: "Billing address",
        note: "Note",
        tags: "Tags",
        risk: "Risk of fraud",
      },
      from: (location: string) => `From ${location}`,
      noLocation: "No location assigned yet",
      remaining: (remaining: number, total: number) =>
        remaining === total
          ? `${number.format(total)} to send`
          : `${number.format(remaining)} of ${number.format(total)} to send`,
      quantity: (n: number) => `× ${number.format(n)}`,
      holdReason: {
        awaiting_payment: "waiting for the payment",
        high_risk_of_fraud: "high risk of fraud",
        incorrect_address: "the address is wrong",
        inventory_out_of_stock: "out of stock",
        unknown_delivery_date: "the delivery date is not known",
        awaiting_return_items: "waiting for returned items",
        online_store_post_purchase_cross_sell: "the customer may still add items",
        other: "another reason",
      } as Readonly<Record<string, string>>,
      heldBecause: (reason: string) => `On hold: ${reason}`,
      fulfilAfter: (day: string) => `To be sent from ${day}`,
      fulfilledAt: (moment: string) => `Sent ${moment}`,
      fulfillmentCancelled: "Cancelled",
      tracking: (company: string | null) => (company ? `${company} tracking` : "Tracking"),
      trackingOpen: (number_: string) => `Follow parcel ${number_}, opens in a new tab`,
      noTracking: "No tracking number",
      sku: (sku: string) => `SKU ${sku}`,
      noSku: "No SKU",

      summary: {
        subtotal: "Subtotal",
        discounts: "Discounts",
        shipping: "Shipping",
        tax: "Taxes",
        total: "Total",
        refunded: "Refunded",
      },
      noCustomer: "No customer",
      noEmail: "No e-mail address",

      noAddress: "No address",
      sameAsShipping: "Same as shipping address",
      noNote: "No note from the customer",
      noTags: "No tags",
      risk: {
        low: "Low",
        medium: "Medium",
        high: "High",
        none: "Not assessed",
      },

      timeline: {
        placed: (customer: string | null) =>
          customer ? `${customer} placed this order` : "This order was placed",
        through: (source: string) => `Through ${source}`,
        cancelled: "This order was cancelled",
        closed: "This order was archived",
        fulfilled: "Items were sent",
        fulfillment_cancelled: "A fulfillment was cancelled",
        refunded: "A refund was made",
        change: {
          "inventory.adjust": "You adjusted stock",
          "inventory.set": "You set stock",
          "order.fulfil": "You fulfilled items",
          "order.edit": "You edited the note or tags",
          "order.hold": "You put items on hold",
          "order.release": "You released a hold",
          "order.cancel-fulfilment": "You cancelled a fulfillment",
          "order.take": "You took this order",
        } satisfies Record<CommandKind, string>,
      },
      edit: {
        accepted: "Note and tags are on their way to Shopify",
        kept: "Note and tags: kept on the server, waiting for the database",
        addTag: "Add a tag",
        add: "Add",
        tagTooLong: (most: number) => `A tag can have at most ${number.format(most)} characters.`,
        thereNow: "The note is now:",
        conflict: {
          title: "This note changed in Shopify while yours was waiting.",
          yours: "Yours is:",
          keepTheirs: "Keep Shopify's",
          useMine: "Use mine",
        },
      },
      hold: {
        action: "Hold",
        title: "Hold fulfillment",
        what: "These items cannot be sent until the hold is released.",
        reason: "Reason",
        reasons: {
          inventory_out_of_stock: "Out of stock",
          incorrect_address: "Wrong address",
          high_risk_of_fraud: "High risk of fraud",
          awaiting_payment: "Waiting for the payment",
          awaiting_return_items: "Waiting for returned items",
          unknown_delivery_date: "Delivery date not known",
          other: "Another reason",
        } satisfies Record<HoldReason, string>,
        notes: "Notes (optional)",
        submit: "Hold fulfillment",
        accepted: (name: string) => `Hold of ${name} is on its way to Shopify`,
        kept: (name: string) => `Hold of ${name}: kept on the server, waiting for the database`,
      },
      release: {
        action: "Release hold",
        accepted: (name: string) => `Release of ${name} is on its way to Shopify`,
        kept: (name: string) => `Release of ${name}: kept on the server, waiting for the database`,
      },
      cancelFulfilment: {
        action: "Cancel fulfillment",
        ask: (name: string) => `Cancel fulfillment ${name}?`,
        consequence:
          "Its items are to be sent again. The tracking number no longer counts, and the customer is not told.",
        keep: "Keep it",
        accepted: (name: string) => `Cancelling ${name} is on its way to Shopify`,
        kept: (name: string) => `Cancelling ${name}: kept on the server, waiting for the database`,
      },
      decide: "Decide what to do",
      fulfilPending: "A fulfillment is on its way to Shopify",
      fulfilPendingWhat: "What is left of this order can be sent once Shopify has it.",
    },

    fulfil: {
      title: (name: string) => `Fulfil ${name}`,
      from: "Fulfil from",
      toSend: (n: number) => `${units(n)} to send`,
      lines: "Items",
      quantity: (title: string) => `Quantity of ${title} to send`,
      of: (n: number) => `of ${number.format(n)}`,
      tracking: {
        title: "Tracking",
        optional: "Optional. The customer sees it in the order's status.",
        company: "Carrier",
        companyPlaceholder: "DHL, UPS, …",
        number: "Tracking number",
        url: "Tracking address",
        urlHelp: "Only needed where Shopify does not know the carrier.",
      },
      notify: "Tell the customer by e-mail",
      notifyHelp: (email: string) => `Shopify sends it to ${email}.`,
      notifyNone: "This order has no e-mail address.",
      submit: (n: number) => (n === 0 ? "Fulfil items" : `Fulfil ${units(n)}`),
      accepted: (name: string) => `Fulfillment of ${name} is on its way to Shopify`,
      kept: (name: string) =>
        `Fulfillment of ${name}: kept on the server, waiting for the database`,
      nothing: {
        title: "There is nothing left to fulfil",
        what: "Every item of this order was sent, removed or refunded.",
      },
      notYet: {
        title: "This order cannot be sent yet",
        what: "Its fulfillment is on hold or scheduled for later.",
      },

      shipTo: "Ship to",
      errors: {
        quantity: (max: number) => `Enter a whole number from 0 to ${number.format(max)}.`,
        none: "Enter a quantity for at least one item.",
        url: "Enter an address that begins with https:// or http://.",
        numberMissing: "Enter the tracking number, or leave the carrier empty.",
        tooLong: "That is too long.",
      },
    },

    slip: {
      title: (n: number) => (n === 1 ? "Packing slip" : `${number.format(n)} packing slips`),
      order: (name: string) => `Order ${name}`,
      shipTo: "Ship to",

      items: "Items",
      quantity: "Quantity",
      of: (toSend: number, ordered: number) =>
        `${number.format(toSend)} of ${number.format(ordered)}`,
      note: "Note",
      shippingMethod: "Shipping",
      thanks: "Thank you for your order.",

      missing: (n: number) =>
        `${orders(n)} could not be found and ${n === 1 ? "is" : "are"} left out.`,
      none: {
        title: "No orders to print",
        what: "Choose orders in the list, then print their packing slips.",
      },
      tooMany: (most: number) => `Only the first ${orders(most)} are shown.`,
    },

    inventory: {
      resource: { singular: "variant", plural: "variants" },
      tabs: { all: "All", low: "Low", out: "Out of stock" } satisfies Record<StockFilter, string>,
      columns: {
        product: "Product",
        sku: "SKU",
        available: "Available",
        committed: "Committed",
        incoming: "Incoming",
        onHand: "On hand",
      },
      sorts: {
        title: ["Product", "A to Z", "Z to A"],
        sku: ["SKU", "A to Z", "Z to A"],
        available: ["Available", "Lowest first", "Highest first"],
      } satisfies Record<InventorySort, readonly [string, string, string]>,
      search: "Search by product, variant, SKU or barcode",
      allLocations: "All locations",
      location: "Location",
      filters: { type: "Product type", vendor: "Vendor" },
      notTracked: "Not tracked",
      notStocked: "Not stocked",
      notStockedAt: (location: string) => `Not stocked at ${location}`,
      committed: (n: number) => `${number.format(n)} committed`,
      incoming: (n: number) => `${number.format(n)} incoming`,

      chooseLocation: "Choose a location to adjust stock.",
      empty: {
        title: "Your stock will be listed here",
        what: "Add products with tracked quantities in Shopify, and their stock shows up here, location by location.",
      },
      emptyTab: {
        low: ["Nothing is running low", "Variants at or below your threshold show up here."],
        out: ["Nothing is out of stock", "Variants with nothing left to sell show up here."],
      } satisfies Record<Exclude<StockFilter, "all">, readonly [string, string]>,
      noResults: {
        title: "No stock found",
        searched: (text: string) => `Nothing matches “${text}”.`,
        searchedAndFiltered: (text: string) => `Nothing matches “${text}” and the chosen filters.`,
        filtered: "Nothing matches the chosen filters.",
      },
      editor: {
        open: (variant: string, location: string, n: number) =>
          `Adjust ${variant} at ${location}, ${number.format(n)} available`,
        openExpected: (variant: string, location: string, change: string) =>
          `Adjust ${variant} at ${location}, ${change} expected`,
        title: (location: string) => `Available at ${location}`,
        adjustBy: "Adjust by",
        newQuantity: "New quantity",
        reason: "Reason",
        save: "Save",
        saved: (variant: string, delta: string) => `${variant}: ${delta}, on its way to Shopify`,
        kept: (variant: string, delta: string) =>
          `${variant}: ${delta}, kept on the server, waiting for the database`,
        result: (from: number, to: number) => `${number.format(from)} → ${number.format(to)}`,
        errors: {
          number: "Enter a whole number, for example 5 or -3.",
          zero: "Enter a number other than 0.",
          same: "That is what Shopify has already.",
          large: "That is more than Shopify can keep.",
          negative: "A count cannot be below 0.",
        },
      },
      reasons: {
        correction: "Correction",
        cycle_count_available: "Count",
        damaged: "Damaged",
        received: "Received",
        restock: "Return restocked",
        shrinkage: "Theft or loss",
        promotion: "Promotion or donation",
        quality_control: "Quality control",
        other: "Other",
      } satisfies Record<AdjustmentReason, string>,
    },

    products: {
      resource: { singular: "product", plural: "products" },
      all: "All",
      status: {
        active: "Active",
        draft: "Draft",
        archived: "Archived",
        unlisted: "Unlisted",
      } satisfies Record<ProductStatus, string>,
      columns: {
        product: "Product",
        status: "Status",
        stock: "Stock",
        price: "Price",
        type: "Type",
        vendor: "Vendor",
      },
      sorts: {
        title: ["Product", "A to Z", "Z to A"],
        updated: ["Last changed", "Longest ago first", "Latest first"],
        available: ["Stock", "Lowest first", "Highest first"],
      } satisfies Record<ProductSort, readonly [string, string, string]>,
      search: "Search by product, SKU, barcode, type or vendor",
      filters: { type: "Product type", vendor: "Vendor" },
      stock: (available: number, variantCount: number) =>
        variantCount > 1
          ? `${number.format(available)} in stock for ${variants(variantCount)}`
          : `${number.format(available)} in stock`,
      notTracked: "Stock not tracked",
      empty: {
        title: "Your products will be listed here",
        what: "Add products in Shopify, and they show up here with their pictures, prices and stock.",
      },
      emptyStatus: (status: string) => ({
        title: "No products here",
        what: `None of your products has the status ${status}.`,
      }),
      noResults: {
        title: "No products found",
        searched: (text: string) => `Nothing matches “${text}”.`,
        searchedAndFiltered: (text: string) => `Nothing matches “${text}” and the chosen filters.`,
        filtered: "Nothing matches the chosen filters.",
      },
    },

    product: {
      variants: "Variants",
      variant: "Variant",
      details: "Details",
      type: "Type",
      vendor: "Vendor",
      tags: "Tags",
      handle: "Handle",
      updated: "Last changed",
      price: "Price",
      compareAt: (price: string) => `was ${price}`,
      noVariants: "This product has no variants yet.",
      defaultVariant: "Only one variant",
    },

    resilience: {
      intro:
        "What Evenkeel stands on, and what is on its way. While something here is away, you can go on working: changes are kept and sent on in order.",
      unknown: "This cannot be shown until the database answers again. It is kept there.",
      dependencies: {
        title: "What Evenkeel depends on",
        database: "Database",
        databaseWhat: "Keeps your orders, stock and changes.",
        shopify: "Shopify",
        shopifyWhat: "Takes your changes and tells us of new orders and stock.",
        up: "Answering",
        down: "Not answering",
        forced: "Taken for away",
        since: (moment: string) => `Since ${moment}`,
        latency: (ms: string) => `Answers in ${ms} ms`,
        lastHeard: (age: string) => `Last message ${age}`,
        neverHeard: "No message yet",
      },
      changes: {
        title: "Changes",
        tabs: { pending: "On their way", "needs-you": "Need you", settled: "Settled" },
        tabCount: (tab: string, n: number) => (n === 0 ? tab : `${tab} (${number.format(n)})`),
        none: {
          pending: "No change is on its way. All your changes are at Shopify.",
          "needs-you": "No change needs you.",
          settled: "No change has been made here yet.",
        },
        story: "What became of it",
        asked: "What was asked for",
        selected: (n: number) => `${changes(n)} selected`,
        selectAll: (n: number) =>
          n === 1 ? "Select the change" : `Select all ${number.format(n)}`,
        back: "Resilience",
        missing: {
          title: "There is no such change here",
          what: "It was made long ago and is no longer kept, or the address has a mistake.",
        },
        decide: {
          send: {
            accepted: "Send now",
            unknown: "Check now",
            failed: "Send again",
            held: "Release",
          } as Readonly<Partial<Record<CommandState, string>>>,
          hold: "Hold",
          discard: "Discard",
          markDone: "Mark as done",
          edit: "Edit and send",
          bulk: {
            send: "Send now",
            hold: "Hold",
            discard: "Discard",
            markDone: "Mark as done",
          } satisfies Record<Choice, string>,
          ask: {
            discard: (n: number) => (n === 1 ? "Discard this change?" : `Discard ${changes(n)}?`),
            markDone: (n: number) =>
              n === 1 ? "Mark this change as done?" : `Mark ${changes(n)} as done?`,
          },
          consequence: {
            discard: (n: number) =>
              `${n === 1 ? "It is" : "They are"} not sent to Shopify. What Shopify has stays as it is.`,
            markDone: (n: number) =>
              `Evenkeel no longer sends ${n === 1 ? "it" : "them"}. Do this when you have made the change in Shopify yourself.`,
          },
          uncertain:
            "Shopify's answer was lost, so it may have the change already. That cannot be taken back from here: look in Shopify.",
          sending: "It is being sent to Shopify at this moment and cannot be stopped.",
          reason: "Reason",
          reasonHelp: "Kept in the change's story, with the time and who you are.",
          reasonMissing: "Enter a reason.",
          /** What became of a choice: of how many changes it was done, is kept, or came too late. */
          said: (
            choice: Choice,
            {
              done,
              kept,
              gone,
              sending,
            }: { done: number; kept: number; gone: number; sending: number },
          ) => {
            const did = {
              send: "on the way to Shopify",
              hold: "held",
              discard: "discarded",
              markDone: "marked as done",
            }[choice];
            return [
              done > 0 ? `${changes(done)} ${did}` : "",
              kept > 0 ? `${changes(kept)} kept on the server, waiting for the database` : "",
              sending > 0 ? `${changes(sending)} being sent just now: try again in a moment` : "",
              gone > 0 ? `${changes(gone)} moved on already` : "",
            ]
              .filter(Boolean)
              .join(", ");
          },
          failed: "That could not be done. Try again in a moment",
        },
        conflict: {
          what: (now: number | null, yours: number) =>
            now === null
              ? `You entered ${number.format(yours)}.`
              : `Shopify has ${number.format(now)} now. You entered ${number.format(yours)}.`,
          keep: "Keep Shopify's",
          apply: "Apply mine",
          count: "Count again",
          applied: "Yours is on its way to Shopify",
        },
        edit: {
          title: "Edit and send",
          what: "The change is given up as it was, and sent as you enter it here.",
          delta: "Adjust by",
          quantity: "Quantity",
          save: "Send",
          saved: "On its way to Shopify with your new entries",
        },
        input: {
          delta: "Adjust by",
          quantity: "New quantity",
          seen: "Seen before",
          reason: "Reason",
          location: "Location",
          items: "Items",
          tracking: "Tracking",
          notify: "E-mail to the customer",
          yes: "Yes",
          no: "No",
        },
        steps: {
          state: {
            accepted: "Accepted",
            sending: "Sending to Shopify",
            done: "Shopify has it",
            failed: "Needs a person",
            unknown: "Shopify's answer was lost",
            held: "Held",
            discarded: "Discarded",
          } satisfies Record<CommandState, string>,
          waits: "Waits, and is tried again",
          action: {
            sendNow: "To be sent now",
            sendAgain: "To be sent again",
            hold: "Held",
            release: "Released",
            discard: "Discarded",
            markDone: "Marked as done",
            edited: "Sent with other entries",
            replaced: "Replaced by one with other entries",
          } satisfies Record<StoryAction, string>,
          other: { edited: "The change as it was", replaced: "The change in its place" },
          you: "You",
          person: (id: string) => `Staff member ${id}`,
          evenkeel: "Evenkeel",
        },
      },
      modes: {
        title: "By hand",
        what: "What you can force upon the whole app in this shop, for everybody who works in it.",
        on: "Turn on",
        off: "Turn off",
        is: { on: "On", off: "Off" },
        readOnly: {
          name: "Read-only",
          what: "No new change is accepted. Everything can be looked at, and what is on its way goes on.",
          ask: "Make Evenkeel read-only?",
          banner: "Evenkeel is read-only",
          consequence:
            "Nobody in this shop can make a change here until it is switched off on the Resilience page.",
        },
        shopifyAway: {
          name: "Pretend Shopify is away",
          what: "Changes are accepted and wait here. Evenkeel asks Shopify for nothing, and sends it nothing.",
          ask: "Pretend that Shopify is away?",
          banner: "Evenkeel behaves as if Shopify were away",
          consequence:
            "Changes are kept and are sent on in order when it is switched off on the Resilience page. What Shopify has new is not shown until then.",
        },
        since: (moment: string, by: string | null) =>
          by ? `Switched on ${moment} by ${by}` : `Switched on ${moment}`,
        until: (moment: string, by: string | null) =>
          by ? `Switched off ${moment} by ${by}` : `Switched off ${moment}`,
        you: "you",
        person: (id: string) => `staff member ${id}`,
        manage: "Switch it off",
        said: {
          saved: "Saved",
          kept: "Kept on the server, waiting for the database",
          failed: "That could not be done. Try again in a moment",
        },
      },
      webhooks: {
        title: "Messages from Shopify",
        what: "Shopify tells us of each new order and each change of stock. They are kept first, then worked through.",
        states: {
          received: "Waiting",
          applied: "Worked through",
          ignored: "Not needed",
          dead: "Set aside",
        } satisfies Record<DeliveryState, string>,
        tabs: { all: "All", received: "Waiting", dead: "Set aside" },
        topics: {
          "orders/create": "New order",
          "orders/updated": "Order changed",
          "orders/edited": "Order edited",
          "orders/cancelled": "Order cancelled",
          "orders/paid": "Order paid",
          "orders/fulfilled": "Order fulfilled",
          "orders/partially_fulfilled": "Order partly fulfilled",
          "orders/delete": "Order deleted",
          "fulfillments/create": "Items sent",
          "fulfillments/update": "Fulfillment changed",
          "products/create": "New product",
          "products/update": "Product changed",
          "products/delete": "Product deleted",
          "inventory_levels/update": "Stock changed",
          "inventory_levels/connect": "Stocked at a location",
          "inventory_levels/disconnect": "No longer stocked at a location",
          "inventory_items/create": "New stock item",
          "inventory_items/update": "Stock item changed",
          "inventory_items/delete": "Stock item deleted",
          "locations/create": "New location",
          "locations/update": "Location changed",
          "locations/activate": "Location opened",
          "locations/deactivate": "Location closed",
          "locations/delete": "Location deleted",
          "shop/update": "Shop changed",
          "app/uninstalled": "Evenkeel was uninstalled",
          "customers/data_request": "A customer asked for their data",
          "customers/redact": "A customer's data is to be erased",
          "shop/redact": "The shop's data is to be erased",
        } as Readonly<Record<string, string>>,
        older: "Older messages",
        newest: "Newest messages",
        none: "No messages from Shopify yet.",
        noneInState: "No message is in this state.",
      },
      runs: {
        title: "Imports and comparisons with Shopify",
        what: "The first import brings everything in. Later comparisons look for what a message may have missed.",
        kinds: { import: "Import", reconciliation: "Comparison" },
        states: { running: "Running", done: "Done", failed: "Stopped" },
        took: (duration: string) => `took ${duration}`,
        read: {
          locations: (n: number) => count(n, "location"),
          products: (n: number) => count(n, "product"),
          inventory: (n: number) => count(n, "stock level"),
          orders,
        } satisfies Record<SyncPhase["name"], (n: number) => string>,
        none: "Nothing has been imported yet.",
      },
    },

    settings: {
      stock: {
        title: "Stock",
        what: "When the overview and the stock list call a variant low.",
        threshold: "Low stock threshold",
        thresholdHelp:
          "A variant counts as low when this many or fewer are available, over all locations together. With 0 it counts once it is out of stock.",
        errors: { threshold: "Enter a whole number from 0 to 1,000,000." },
      },
      language: {
        title: "Language and region",
        language: "Language",
        english: "English",
        what: "Dates, numbers and amounts are written as in the region of your admin, in the time zone and currency of your shop.",
        formats: "Written as",
        timeZone: "Time zone",
        currency: "Currency",
      },
      shop: {
        title: "Shop",
        name: "Name",
        address: "Address",
        installed: "Evenkeel since",
      },
      saved: "Settings saved",
      kept: "Settings kept on the server, waiting for the database",
      failed: "The settings could not be saved. What you entered is still here.",
    },
  };
}
