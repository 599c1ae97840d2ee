import { Banner } from "@shopify/polaris";
import { useWords } from "./localisation.tsx";
import type { ChangeAnswer } from "./submission.ts";

/** What a form says where its change was not accepted; what belongs to a field stands beside that field. */
export function SubmissionProblem({ answer }: { readonly answer: ChangeAnswer | null }) {
  const words = useWords();
  if (!answer || answer.kind === "accepted") return null;
  return (
    <div role="alert">
      <Banner tone={answer.kind === "invalid" ? "warning" : "critical"}>
        <p>{sentence()}</p>
        {answer.kind === "failed" && answer.reference && (
          <p>{words.submit.reference(answer.reference)}</p>
        )}
      </Banner>
    </div>
  );

  function sentence(): string {
    switch (answer?.kind) {
      case "unreachable":
        return words.submit.unreachable;
      case "failed":
        return answer.cause === "database" ? words.submit.away : words.submit.failed;
      default: {
        const whole = answer?.kind === "invalid" ? answer.problems : [];
        const about = whole.filter(({ field }) => field === null).map(({ message }) => message);
        return about.length > 0 ? about.join(" ") : words.submit.invalid;
      }
    }
  }
}
