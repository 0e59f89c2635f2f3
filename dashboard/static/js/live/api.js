// The JSON API. Errors arrive as one line for the page.

import { t } from "../words.js";

const token = document.querySelector('meta[name="csrf-token"]').content;

export class ApiError extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

async function call(path, options) {
  let response;
  try {
    response = await fetch(`/api/v1${path}`, { headers: { "X-CSRFToken": token, "Content-Type": "application/json" }, ...options });
  } catch {
    throw new ApiError(0, t("The server cannot be reached. Nothing was changed."));
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, body.error ?? t("The server answered {status}.", { status: response.status }));
  return body;
}

export const get = (path) => call(path, { method: "GET" });
export const post = (path, body = {}) => call(path, { method: "POST", body: JSON.stringify(body) });
export const remove = (path) => call(path, { method: "DELETE" });
