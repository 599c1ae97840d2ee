import { useBreakpoints } from "@shopify/polaris";
import {
  createContext,
  useContext,
  useEffect,
  useMemo,
  useState,
  type PropsWithChildren,
} from "react";
import { createFormat, knownLocale, type Format } from "../words/format.ts";
import { plainPresentation, type Presentation } from "../words/presentation.ts";
import { wordsFor, writtenLocale, type Words } from "../words/words.ts";
import "./styles.css";

interface Localisation {
  readonly words: Words;
  readonly format: Format;
  readonly currency: string;
  readonly phone: boolean;
}

function localise(presentation: Omit<Presentation, "renderedAt">): Localisation {
  const { timeZone, currency, phone } = presentation;
  const locale = writtenLocale(knownLocale(presentation.locale));
  return {
    words: wordsFor(locale),
    format: createFormat({ locale, timeZone }),
    currency,
    phone,
  };
}

const LocalisationContext = createContext<Localisation>(localise(plainPresentation));
/** `ticking` once scripts run: before that, the time is the server's. */
const ClockContext = createContext<{ readonly now: Date; readonly ticking: boolean } | null>(null);

/** Ages are shown in minutes and days mostly; a source that is seconds behind is told by the next poll. */
const TICK_MS = 15_000;

/** Gives all pages below it their words, their way of writing amounts and moments, and a clock. */
export function LocalisationProvider({
  presentation,
  children,
}: PropsWithChildren<{ readonly presentation: Presentation }>) {
  const { timeZone, currency, renderedAt } = presentation;
  // The first document names the admin's locale; later answers can only guess it.
  const [{ locale, phone }] = useState(presentation);
  const value = useMemo(
    () => localise({ locale, timeZone, currency, phone }),
    [locale, timeZone, currency, phone],
  );
  return (
    <LocalisationContext.Provider value={value}>
      <Clock startedAt={renderedAt}>{children}</Clock>
    </LocalisationContext.Provider>
  );
}

/** Tells the server's time until the page is alive, and the device's from then on. */
function Clock({ startedAt, children }: PropsWithChildren<{ readonly startedAt: Date }>) {
  const [clock, setClock] = useState({ now: startedAt, ticking: false });
  useEffect(() => {
    const tick = () => setClock({ now: new Date(), ticking: true });
    tick();
    const timer = setInterval(tick, TICK_MS);
    return () => clearInterval(timer);
  }, [startedAt]);
  return <ClockContext.Provider value={clock}>{children}</ClockContext.Provider>;
}

export function useWords(): Words {
  return useContext(LocalisationContext).words;
}

export function useFormat(): Format {
  return useContext(LocalisationContext).format;
}

/** The shop's currency, for amounts that name none. */
export function useCurrency(): string {
  return useContext(LocalisationContext).currency;
}

/** The time by which ages are told; moves on by itself. */
export function useNow(): Date {
  return useContext(ClockContext)?.now ?? new Date();
}

/** When the page got what was true at `asOf`: an answer's age is counted up to here. */
export function useReceivedAt(asOf: Date): Date {
  const clock = useContext(ClockContext);
  const receivedNow = () => ({
    asOf: asOf.getTime(),
    at: clock && !clock.ticking ? clock.now : new Date(),
  });
  const [received, setReceived] = useState(receivedNow);
  if (received.asOf === asOf.getTime()) return received.at;
  const next = receivedNow();
  setReceived(next);
  return next.at;
}

/**
 * Whether the page is as narrow as a phone. The first rendering goes by the server's guess, so that the page
 * need not jump from a table to a list.
 */
export function usePhone(): boolean {
  const { phone } = useContext(LocalisationContext);
  return useBreakpoints({ defaults: { smDown: phone } }).smDown;
}
