// The page of a session that has ended: its whole timeline and its mean.

import { t } from "../words.js";
import { get } from "./api.js";
import { Band } from "./band.js";
import { number, percent } from "./words.js";

const part = (id) => document.getElementById(id);

export async function showEnded(id) {
  const [session, { seconds }] = await Promise.all([get(`/sessions/${id}`), get(`/sessions/${id}/timeline?since=0`)]);
  const rows = new Map(seconds.map((row) => [row.second, row]));
  const from = Math.floor(session.started_at), to = Math.max(from + 60, Math.ceil(session.ended_at));
  const scored = seconds.filter((row) => row.mean !== null);
  const band = new Band(part("band"), part("readout"));
  const students = session.roster.length;
  band.show(rows, [from, to], { students, markers: session.markers });
  addEventListener("themechange", () => band.recolour());
  if (!scored.length) { part("coverage").textContent = t("No scores were computed in this session."); return; }
  const mean = scored.reduce((sum, row) => sum + row.mean, 0) / scored.length;
  const coverage = scored.reduce((sum, row) => sum + row.scored, 0) / (scored.length * Math.max(students, 1));
  part("mean").textContent = number(mean);
  part("coverage").textContent = t("{percent} of the students scored, on average", { percent: percent(coverage) });
  part("band").setAttribute("aria-label", t("Class mean over the session: {mean} of 10 on average", { mean: number(mean) }));
}
