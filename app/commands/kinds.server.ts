import type { z } from "zod";
import type { ShopDatabase } from "../database/cluster.ts";
import {
  checkCancelFulfilment,
  checkEdit,
  checkFulfil,
  checkHold,
  checkRelease,
} from "./checks-order.server.ts";
import { checkAdjust, checkSet } from "./checks-stock.server.ts";
import {
  cancelFulfilmentInput,
  editInput,
  fulfilInput,
  holdInput,
  releaseInput,
} from "./inputs-order.ts";
import { adjustInput, setInput } from "./inputs-stock.ts";
import { cancelFulfilment } from "./send-cancel-fulfilment.server.ts";
import { edit } from "./send-edit.server.ts";
import { fulfil } from "./send-fulfilment.server.ts";
import { hold, release } from "./send-hold.server.ts";
import type { Sender } from "./sending.ts";
import { adjustStock, setStock } from "./send-stock.server.ts";
import { storeTaken } from "../orders/taken.server.ts";
import { checkTake } from "./take-order/check.server.ts";
import { takeInput } from "./take-order/input.ts";
import { takeOrder } from "./take-order/send.server.ts";
import type { CommandKind, Problem } from "./types.ts";

/** What a kind of command is: its shape, what it changes, what can be wrong with it, and how it is sent. */
export interface CommandDefinition<Input> {
  readonly schema: z.ZodType<Input>;
  /** Commands of one resource go to Shopify one after the other. */
  readonly resource: (input: Input) => string;
  readonly check: (db: ShopDatabase, shop: string, input: Input) => Promise<Problem[]>;
  /** What else there is of it here from the moment on at which it is accepted. */
  readonly accept?: (tx: ShopDatabase, shop: string, input: Input) => Promise<void>;
  readonly send: Sender<Input>;
}

/** Hides the input's type: whoever looks a kind up has only its name, and the schema checks what it gets. */
function define<Input>(definition: CommandDefinition<Input>): CommandDefinition<unknown> {
  return definition as CommandDefinition<unknown>;
}

const item = ({ inventoryItemId }: { inventoryItemId: number }) =>
  `inventory_item/${inventoryItemId}`;

const order = ({ orderId }: { orderId: number }) => `order/${orderId}`;

export const definitions: Readonly<Record<CommandKind, CommandDefinition<unknown>>> = {
  "inventory.adjust": define({
    schema: adjustInput,
    resource: item,
    check: checkAdjust,
    send: adjustStock,
  }),
  "inventory.set": define({ schema: setInput, resource: item, check: checkSet, send: setStock }),
  "order.fulfil": define({
    schema: fulfilInput,
    resource: order,
    check: checkFulfil,
    send: fulfil,
  }),
  "order.edit": define({ schema: editInput, resource: order, check: checkEdit, send: edit }),
  "order.hold": define({ schema: holdInput, resource: order, check: checkHold, send: hold }),
  "order.release": define({
    schema: releaseInput,
    resource: order,
    check: checkRelease,
    send: release,
  }),
  "order.cancel-fulfilment": define({
    schema: cancelFulfilmentInput,
    resource: order,
    check: checkCancelFulfilment,
    send: cancelFulfilment,
  }),
  "order.take": define({
    schema: takeInput,
    // An order of its own, whose number here is not yet Shopify's.
    resource: ({ id }) => `taken_order/${id}`,
    check: checkTake,
    accept: storeTaken,
    send: takeOrder,
  }),
};
