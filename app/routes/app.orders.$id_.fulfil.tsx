import type {
  ActionFunctionArgs,
  HeadersFunction,
  LoaderFunctionArgs,
  SerializeFrom,
} from "@remix-run/node";
import {
  useLoaderData,
  useNavigate,
  useSearchParams,
  type ClientActionFunctionArgs,
} from "@remix-run/react";
import {
  Autocomplete,
  BlockStack,
  Button,
  Card,
  Checkbox,
  ChoiceList,
  FormLayout,
  InlineError,
  Layout,
  Page,
  Text,
  TextField,
} from "@shopify/polaris";
import { CheckCircleIcon, ClockIcon } from "@shopify/polaris-icons";
import { boundary } from "@shopify/shopify-app-remix/server";
import { useState, type FormEvent } from "react";
import { AddressLines } from "../components/address-lines.tsx";
import { Section } from "../components/details.tsx";
import { RouteErrorBoundary } from "../components/error-boundary.tsx";
import { pageTitle } from "../components/page-title.ts";
import { ListMessage } from "../components/list-states.tsx";
import { useWords } from "../components/localisation.tsx";
import { Name } from "../components/name.tsx";
import { LineIdentity } from "../components/order-line-row.tsx";
import { SourceBadge } from "../components/source-badge.tsx";
import { answerForm, useSubmission } from "../components/submission.ts";
import { SubmissionProblem } from "../components/submission-problem.tsx";
import { TitleBar } from "../components/title-bar.tsx";
import { toast } from "../components/toast.ts";
import { submitChange } from "../http/changes.server.ts";
import { answering, notFound } from "../http/problems.server.ts";
import { parseId } from "../list-query.ts";
import { carriers } from "../orders/carriers.ts";
import {
  quantityOf,
  readFulfilment,
  type FulfilmentEntries,
  type FulfilmentProblem,
} from "../orders/fulfilment-form.ts";
import {
  canFulfil,
  openFulfillmentOrders,
  workableFulfillmentOrders,
} from "../orders/remaining.ts";
import type { FulfillmentOrder, OrderDetail } from "../orders/types.ts";
import { merchant } from "../shopify/sign-in.server.ts";

export async function loader({ request, context, params }: LoaderFunctionArgs) {
  return answering({ request, context }, async () => {
    const { shop } = await merchant(request, context);
    const id = parseId(params.id);
    if (id === null) throw notFound("order");
    const { value, ...source } = await context.services.pages.getOrder(shop, id);
    if (!value) throw notFound("order");
    return { order: value, source };
  });
}

export async function action({ request, context }: ActionFunctionArgs) {
  return submitChange({ request, context }, ["order.fulfil"]);
}

export function clientAction({ request, serverAction }: ClientActionFunctionArgs) {
  return answerForm(request, serverAction<typeof action>);
}

export default function Fulfil() {
  const { order, source } = useLoaderData<typeof loader>();
  const words = useWords();
  const [params] = useSearchParams();
  const parts = workableFulfillmentOrders(order);
  const [chosen, setChosen] = useState<number | null>(() => parseId(params.get("from")));
  const part = parts.find(({ id }) => id === chosen) ?? parts[0];

  return (
    <Page
      backAction={{ content: order.name, url: `/app/orders/${order.id}` }}
      title={words.fulfil.title(order.name)}
      titleMetadata={<SourceBadge of={source} />}
    >
      <TitleBar title={words.fulfil.title(order.name)} />
      {part && canFulfil(order, part) ? (
        <FulfilForm
          // Another location's items are another form.
          key={part.id}
          order={order}
          parts={parts}
          part={part}
          onChoosePart={setChosen}
        />
      ) : (
        <Card>
          <NothingToFulfil order={order} />
        </Card>
      )}
    </Page>
  );
}

/** Why there is no form: it is on its way already, it has to wait, or all is done. */
function NothingToFulfil({ order }: { readonly order: OrderDetail }) {
  const { fulfil, order: words } = useWords();
  if (order.pending?.kind === "order.fulfil" && order.pending.ring !== "needs-you") {
    return (
      <ListMessage icon={ClockIcon} title={words.fulfilPending} what={words.fulfilPendingWhat} />
    );
  }
  return openFulfillmentOrders(order).length > 0 && !order.cancelledAt ? (
    <ListMessage icon={ClockIcon} {...fulfil.notYet} />
  ) : (
    <ListMessage icon={CheckCircleIcon} {...fulfil.nothing} />
  );
}

interface FulfilFormProps {
  readonly order: OrderDetail;
  readonly parts: readonly FulfillmentOrder[];
  readonly part: FulfillmentOrder;
  readonly onChoosePart: (id: number) => void;
}

function FulfilForm({ order, parts, part, onChoosePart }: FulfilFormProps) {
  const words = useWords();
  const navigate = useNavigate();
  const [entries, setEntries] = useState<FulfilmentEntries>({
    quantities: {},
    company: "",
    number: "",
    url: "",
    notifyCustomer: order.email !== null,
  });
  const [tried, setTried] = useState(false);
  const submission = useSubmission(`/app/orders/${order.id}/fulfil`, ({ ring }) => {
    toast((ring === "server" ? words.fulfil.kept : words.fulfil.accepted)(order.name));
    void navigate(`/app/orders/${order.id}`);
  });

  const set = (some: Partial<FulfilmentEntries>) => setEntries({ ...entries, ...some });
  const { input, problems } = readFulfilment(order.id, part, entries);
  const say = (problem: FulfilmentProblem): string =>
    problem.problem === "quantity"
      ? words.fulfil.errors.quantity(problem.max)
      : words.fulfil.errors[problem.problem];
  /** Ours once somebody has tried to send the form; the server's until the next try. */
  const errorOf = (field: string): string | undefined => {
    const ours = tried ? problems?.find((problem) => problem.field === field) : undefined;
    if (ours) return say(ours);
    const { answer } = submission;
    return answer?.kind === "invalid"
      ? answer.problems.find((problem) => problem.field === field)?.message
      : undefined;
  };
  const fieldError = (field: string) => {
    const error = errorOf(field);
    return error ? { error } : {};
  };

  const lines = part.lines.filter(({ remaining }) => remaining > 0);
  const units = lines.reduce((sum, line) => sum + (quantityOf(entries, line) ?? 0), 0);
  const carrierOptions = carriers
    .filter((name) => name.toLowerCase().includes(entries.company.trim().toLowerCase()))
    .map((name) => ({ value: name, label: name }));

  const send = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (submission.busy) return;
    if (input) submission.submit("order.fulfil", input, order.name);
    else focusFirstError();
  };

  return (
    <form onSubmit={send} noValidate>
      <Layout>
        <Layout.Section>
          <BlockStack gap="400">
            {parts.length > 1 && (
              <Card>
                <ChoiceList
                  title={words.fulfil.from}
                  choices={parts.map(({ id, location, lines: some }) => ({
                    value: String(id),
                    label: location ?? words.order.noLocation,
                    helpText: words.fulfil.toSend(
                      some.reduce((sum, { remaining }) => sum + remaining, 0),
                    ),
                  }))}
                  selected={[String(part.id)]}
                  onChange={([id]) => onChoosePart(Number(id))}
                />
              </Card>
            )}
            <Section
              title={words.fulfil.lines}
              aside={
                part.location && (
                  <Text as="span" tone="subdued">
                    <Name>{words.order.from(part.location)}</Name>
                  </Text>
                )
              }
            >
              <div>
                {lines.map(({ id, lineId, remaining }) => {
                  const line = order.lines.find((candidate) => candidate.id === lineId);
                  if (!line) return null;
                  return (
                    <div className="ek-line" key={id}>
                      <LineIdentity line={line} linked={false} />
                      <div className="ek-quantity">
                        <TextField
                          label={words.fulfil.quantity(line.title)}
                          labelHidden
                          inputMode="numeric"
                          value={entries.quantities[id] ?? String(remaining)}
                          onChange={(value) =>
                            set({ quantities: { ...entries.quantities, [id]: value } })
                          }
                          suffix={words.fulfil.of(remaining)}
                          autoComplete="off"
                          selectTextOnFocus
                          {...fieldError(`quantity.${id}`)}
                        />
                      </div>
                    </div>
                  );
                })}
                {errorOf("quantities") && (
                  <div tabIndex={-1} data-first-error>
                    <InlineError message={errorOf("quantities") ?? ""} fieldID="quantities" />
                  </div>
                )}
              </div>
            </Section>
            <Section title={words.fulfil.tracking.title}>
              <FormLayout>
                <Text as="p" tone="subdued">
                  {words.fulfil.tracking.optional}
                </Text>
                <FormLayout.Group>
                  <TextField
                    label={words.fulfil.tracking.number}
                    value={entries.number}
                    onChange={(number) => set({ number })}
                    autoComplete="off"
                    {...fieldError("number")}
                  />
                  <Autocomplete
                    options={carrierOptions}
                    selected={carriers.includes(entries.company) ? [entries.company] : []}
                    onSelect={([company = ""]) => set({ company })}
                    textField={
                      <Autocomplete.TextField
                        label={words.fulfil.tracking.company}
                        value={entries.company}
                        onChange={(company) => set({ company })}
                        placeholder={words.fulfil.tracking.companyPlaceholder}
                        autoComplete="off"
                        {...fieldError("company")}
                      />
                    }
                  />
                </FormLayout.Group>
                <TextField
                  label={words.fulfil.tracking.url}
                  type="url"
                  value={entries.url}
                  onChange={(url) => set({ url })}
                  helpText={words.fulfil.tracking.urlHelp}
                  autoComplete="off"
                  {...fieldError("url")}
                />
              </FormLayout>
            </Section>
          </BlockStack>
        </Layout.Section>
        <Layout.Section variant="oneThird">
          <BlockStack gap="400">
            {order.shippingAddress && (
              <Section title={words.fulfil.shipTo}>
                <AddressLines address={order.shippingAddress} />
              </Section>
            )}
            <Card>
              <BlockStack gap="400">
                <Checkbox
                  label={words.fulfil.notify}
                  checked={entries.notifyCustomer}
                  onChange={(notifyCustomer) => set({ notifyCustomer })}
                  disabled={order.email === null}
                  helpText={
                    order.email ? (
                      <span className="ek-name">{words.fulfil.notifyHelp(order.email)}</span>
                    ) : (
                      words.fulfil.notifyNone
                    )
                  }
                />
                <SubmissionProblem answer={submission.answer} />
                <Button submit variant="primary" fullWidth loading={submission.busy}>
                  {words.fulfil.submit(input ? units : 0)}
                </Button>
              </BlockStack>
            </Card>
          </BlockStack>
        </Layout.Section>
      </Layout>
    </form>
  );
}

/** Takes whoever sent the form to the first entry that needs another look. */
function focusFirstError(): void {
  // The errors stand in the document after React has drawn them.
  requestAnimationFrame(() => {
    document.querySelector<HTMLElement>("[aria-invalid='true'], [data-first-error]")?.focus();
  });
}

export const meta = pageTitle<SerializeFrom<typeof loader>>((words, data) =>
  data ? words.fulfil.title(data.order.name) : words.notFound.order.title,
);

export function ErrorBoundary() {
  return <RouteErrorBoundary />;
}

export const headers: HeadersFunction = (args) => boundary.headers(args);
