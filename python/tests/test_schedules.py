"""Schedules: which ticks are to come, and who goes on with them."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from agents import Agent
from agents.testing import ScriptedModel, assistant_message

from timestep import (
    ScheduleNotFoundError,
    create_scheduled_agent_workflow,
    ensure_dbos_launched,
    get_run,
    list_scheduled_agent_workflows,
    pause_scheduled_agent_workflow,
    remove_scheduled_agent_workflow,
    resume_scheduled_agent_workflow,
)
from timestep.workflows._schedule_ticks import Crontab, ticks_ahead

from .durable import query, until

CRONTABS = Path(__file__).parents[2] / "tests" / "workflows" / "crontabs.json"
"""What the TypeScript module makes of crontabs; null: it refuses them."""

NOW = datetime.fromisoformat("2026-11-21T06:00:01+00:00")


def _agent() -> Agent[Any]:
    return Agent[Any](name="Clockwork", model=ScriptedModel([[assistant_message("Tock.")]] * 100))


def _times(crontab: str, first: str | None = None, zone: str = "UTC") -> list[str]:
    begin = None if first is None else datetime.fromisoformat(f"{first}+00:00")
    return [tick.strftime("%Y-%m-%dT%H:%M:%S") for tick in ticks_ahead(Crontab(crontab, zone), NOW, begin)]


def test_ticks_ahead_are_enough_and_without_a_gap() -> None:
    hourly = _times("0 * * * *")
    assert (len(hourly), hourly[:2]) == (100, ["2026-11-21T07:00:00", "2026-11-21T08:00:00"])
    assert _times("* * * * * *")[-1] == "2026-11-21T06:10:02"
    assert len(_times("0 9 * * 1")) == 53
    assert _times("0 0 29 2 *") == ["2028-02-29T00:00:00", "2032-02-29T00:00:00"]
    assert {tick[11:] for tick in _times("30 8 * * *", zone="Europe/Berlin")} == {"07:30:00"}


def test_ticks_ahead_begin_with_what_is_still_to_be_fired() -> None:
    assert _times("0 * * * *", "2026-11-21T06:00:00")[0] == "2026-11-21T06:00:00"
    assert _times("0 * * * *", "2026-11-21T01:00:00")[0] == "2026-11-21T05:00:00"
    missed = islice(_times("* * * * * *", "2026-11-20T06:00:00"), 2)
    assert list(missed) == ["2026-11-21T05:58:00", "2026-11-21T05:58:01"]
    assert _times("0 12 1 3 *", "2019-03-01T12:00:00")[0] == "2026-03-01T12:00:00"


@pytest.mark.parametrize(
    "case", json.loads(CRONTABS.read_text()), ids=lambda case: f"{case['crontab']} {case['timezone']}"
)
def test_crontabs_are_read_as_in_typescript(case: dict[str, Any]) -> None:
    if case["ticks"] is None:
        with pytest.raises(ValueError, match="Cannot schedule"):
            Crontab(case["crontab"], case["timezone"])
        return
    after = datetime.fromisoformat(case["after"].replace("Z", "+00:00"))
    ticks = list(islice(Crontab(case["crontab"], case["timezone"]).after(after), 5))
    assert [tick.strftime("%Y-%m-%dT%H:%M:%SZ") for tick in ticks] == case["ticks"]
    assert Crontab(case["crontab"], case["timezone"]).last_before(ticks[1]) == ticks[0]


async def test_a_tick_is_fired_with_no_process_alive_and_executed_by_the_next_worker(uri: str) -> None:
    create_scheduled_agent_workflow("0 3 * * *", _agent(), "Tick.", name="nightly", owner_id="somebody")
    rows = await query(
        uri,
        """
        update timestep.schedules s set ticks = at || ticks, next_at = at
        from (values (now() - interval '1 second')) as due (at)
        returning name || ':' || to_char(next_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
        """,
    )
    run_id = str(rows[0][0])
    assert await query(uri, "select timestep.fire_schedules()") == [(1,)]
    assert await query(uri, "select timestep.fire_schedules()") == [(0,)]
    run = await get_run(run_id)
    assert (run.status, run.language, run.input, run.owner_id) == ("queued", None, "Tick.", "somebody")
    ensure_dbos_launched()
    await until(uri, "select 1 from timestep.runs where run_id = $1 and status = 'completed'", run_id)
    assert (await get_run(run_id)).final_output == "Tock."


async def test_a_worker_goes_on_where_the_known_ticks_are_over(uri: str) -> None:
    create_scheduled_agent_workflow("0 3 * * *", _agent(), "Tick.", name="nightly")
    await query(
        uri,
        """
        update timestep.schedules
        set ticks = '{2020-01-01T03:00Z,2020-01-02T03:00Z}', next_at = '2020-01-01T03:00Z', renew_at = '2020-01-01'
        """,
    )
    assert await query(uri, "select timestep.fire_schedules()") == [(0,)]
    ensure_dbos_launched()
    await until(uri, "select 1 from timestep.schedules where last_fired_at is not null")
    (schedule,) = await list_scheduled_agent_workflows()
    # One run for all that was missed: that of the last tick.
    assert await query(uri, "select count(*)::int from timestep.runs") == [(1,)]
    assert schedule.last_fired_at is not None
    assert (schedule.next_at - schedule.last_fired_at).total_seconds() == 86_400


async def test_schedules_are_paused_resumed_and_removed(uri: str) -> None:
    create_scheduled_agent_workflow("0 3 * * *", _agent(), "Tick.", name="nightly", timezone="Europe/Berlin")
    (schedule,) = await list_scheduled_agent_workflows()
    assert (schedule.name, schedule.timezone, schedule.paused) == ("nightly", "Europe/Berlin", False)
    assert schedule.next_at > datetime.now(tz=timezone.utc)
    await pause_scheduled_agent_workflow("nightly")
    assert [schedule.paused for schedule in await list_scheduled_agent_workflows()] == [True]
    await query(
        uri,
        "update timestep.schedules set ticks = '{2020-01-01T02:00Z}' || ticks, next_at = '2020-01-01T02:00Z'",
    )
    assert await query(uri, "select timestep.fire_schedules()") == [(0,)]
    await resume_scheduled_agent_workflow("nightly")
    # What passed while it was paused is left out.
    assert await query(uri, "select timestep.fire_schedules()") == [(0,)]
    assert await list_scheduled_agent_workflows() == [schedule]
    await remove_scheduled_agent_workflow("nightly")
    assert await list_scheduled_agent_workflows() == []
    for act in (
        pause_scheduled_agent_workflow,
        resume_scheduled_agent_workflow,
        remove_scheduled_agent_workflow,
    ):
        with pytest.raises(ScheduleNotFoundError, match="nightly"):
            await act("nightly")
