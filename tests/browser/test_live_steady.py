"""Thirty students for a while: no update is lost, and the page does not grow."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

STUDENTS = 30
CARDS = "document.querySelectorAll('.card[data-kind=present]').length"
MISSING = """async from => {
    const until = engageLive.memory.newest - 2;
    const answer = await (await fetch(`/api/v1${engageLive.path}/samples?since=${from}`)).json();
    const stored = answer.samples.filter(sample => sample.second <= until);
    const known = ({ student, second }) => engageLive.memory.students.get(student).scores.has(second);
    return { stored: stored.length, missing: stored.filter(sample => !known(sample)).length };
}"""
GROWTH = 1.1
"""A heap that is this much larger at the end than a third of the way is growing, once the page is warm."""
WARM_S = 100
"""What the browser compiles meanwhile is up to a third of the heap in the first half minute."""
MORE = 1.2
"""Nodes and listeners may come with alerts; one for each update would be far more."""


@pytest.mark.parametrize("seconds", [20, pytest.param(120, marks=pytest.mark.nightly)])
def test_no_update_is_lost_and_memory_is_steady(page: Page, serve: Any, sign_in: Any, until: Any, seconds: int) -> None:
    server = serve(STUDENTS)
    sign_in(server)
    page.goto(server.past_session(620))
    until(page, f"() => {CARDS} >= 26")
    client = page.context.new_cdp_session(page)
    begun = page.evaluate("engageLive.memory.newest") + 1
    until(page, "second => engageLive.memory.newest >= second", begun + seconds // 3, timeout_s=4 * seconds)
    before = size(client)
    until(page, "second => engageLive.memory.newest >= second", begun + seconds, timeout_s=4 * seconds)
    after = size(client)
    counted = page.evaluate(MISSING, begun)
    print(f"{counted['stored']} updates in {seconds} s; heap {before['heap']:.0f} kB, then {after['heap']:.0f} kB")
    assert counted["stored"] > 26 * 3, "too few came to say anything"
    assert counted["missing"] == 0, counted
    assert seconds < WARM_S or after["heap"] < GROWTH * before["heap"]
    assert after["nodes"] < MORE * before["nodes"] and after["listeners"] < MORE * before["listeners"]


def size(client: CDPSession) -> dict[str, float]:
    """Return the page's heap in kB, its nodes and its listeners, once what is not used is gone."""
    client.send("HeapProfiler.collectGarbage")
    counters = client.send("Memory.getDOMCounters")
    heap = client.send("Runtime.getHeapUsage")["usedSize"] / 1000
    return {"heap": heap, "nodes": counters["nodes"], "listeners": counters["jsEventListeners"]}
