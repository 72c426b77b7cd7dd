/** What is called a secret: `api_key=...`, `Incorrect API key provided: ...`, `"password": "..."`. */
const NAMED = "((?:api|access|secret|private|auth|client)[ _-]?(?:key|token|secret)" +
  "|password|passwd|authorization|[?&](?:key|token|sig))";
const ASSIGNED = `(["']?\\s*(?:(?:provided|is)\\s*)?[:=]\\s*["']?)`;
const SHOWN = `(?!Bearer|Basic|[\\w-]*\\[redacted)[^\\s"',&[\\]}]+`;

/**
 * What becomes of what looks like a secret, in this order; the same as in Python. Messages quote what callers send, at any
 * length: no pattern may look through the same text again and again.
 */
const SECRETS: readonly [RegExp, string][] = [
  // As providers make their keys: of OpenAI, Groq, xAI, Hugging Face, Replicate, GitHub, Slack, ...
  [
    /\b(sk|tsk|fc|pk|rk|key|gsk|xai|hf|r8|pplx|nvapi|gh[a-z]|glpat|xox[a-z])[-_][\w*.-]{6,}/gi,
    "$1-[redacted]",
  ],
  // Of Google and Amazon, and tokens in JSON.
  [/\b(AIza|AKIA|eyJ)[\w-]{6,}(?:\.[\w-]+)*/g, "$1[redacted]"],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, "$1 [redacted]"],
  [/\b(\w+:\/\/[^\s:/@]*):[^\s@]{0,2000}@/g, "$1:[redacted]@"],
  [new RegExp(`${NAMED}${ASSIGNED}${SHOWN}`, "gi"), "$1$2[redacted]"],
];

/** A message without what looks like a secret: providers like to quote the key that they refuse. */
export function withoutSecrets(message: string): string {
  return SECRETS.reduce((text, [secret, instead]) => text.replace(secret, instead), message);
}
