// The joined student's API. Errors arrive as one line for the page.
import { t } from "../words.js";

const token = document.querySelector('meta[name="csrf-token"]').content;

const ANSWER_WITHIN_MS = 8000;

export class ApiError extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

async function call(path, options) {
  let answer;
  try {
    answer = await fetch(`/join/api${path}`, { headers: { "X-CSRFToken": token, "Content-Type": "application/json" }, signal: AbortSignal.timeout(ANSWER_WITHIN_MS), ...options });
  } catch {
    throw new ApiError(0, t("The server cannot be reached. Nothing was changed."));
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new ApiError(answer.status, body.error ?? t("The server answered {status}.", { status: answer.status }));
  return body;
}

export const get = (path) => call(path, { method: "GET" });
export const post = (path, body = {}) => call(path, { method: "POST", body: JSON.stringify(body) });
