"""Deciding which ticks of a schedule to fire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter

_LATE = timedelta(seconds=30)
"""A tick that is later than this was missed. Workers look every second."""

_MAX_AT_ONCE = 60
"""More ticks than this at once are too many to fire, as of a schedule for every second after a hiccup."""


@dataclass(frozen=True)
class Crontab:
    """A crontab of five fields, or six with seconds first."""

    text: str
    timezone: str

    def __post_init__(self) -> None:
        """Raises ValueError when it, or the time zone, is not one."""
        try:
            ZoneInfo(self.timezone)
            fields = len(self.text.split())
            if fields not in (5, 6):
                raise ValueError(f"it has {fields} fields, not 5 or 6")
            self.after(datetime.now(tz=ZoneInfo("UTC")))
        except Exception as error:
            raise ValueError(f'Cannot schedule by "{self.text}" in time zone "{self.timezone}": {error}') from error

    def after(self, moment: datetime) -> datetime:
        """The first tick after a moment."""
        return next(self._ticks(moment))

    def last_before(self, end: datetime) -> datetime:
        """The last tick before a moment."""
        tick: datetime = self._iterate(end).get_prev(datetime)
        return tick.astimezone(ZoneInfo("UTC"))

    def _ticks(self, after: datetime) -> Iterator[datetime]:
        ticks = self._iterate(after)
        while True:
            tick: datetime = ticks.get_next(datetime)
            yield tick.astimezone(ZoneInfo("UTC"))

    def _iterate(self, start: datetime) -> croniter:
        local = start.astimezone(ZoneInfo(self.timezone))
        return croniter(self.text, local, second_at_beginning=True)


@dataclass(frozen=True)
class DueTicks:
    """What to fire now, and when to look again."""

    fire: list[datetime]
    """Oldest first."""
    next: datetime
    """The first tick after now."""


def due_ticks(crontab: Crontab, next_tick: datetime, now: datetime, missed: str) -> DueTicks:
    """Decides which ticks of a schedule to fire now.

    Args:
        crontab: The schedule.
        next_tick: The tick that is to be fired next.
        now: The time.
        missed: Of ticks that are late: `once` fires the last of them, unless one is due that is not late; `skip`
            fires none.
    """
    late = now - _LATE
    fire: list[datetime] = []
    # The search begins where it matters, however long nobody was there.
    tick = crontab.after(late - timedelta(microseconds=1)) if next_tick < late else next_tick
    while tick <= now:
        fire = [*fire, tick][-_MAX_AT_ONCE:]
        tick = crontab.after(tick)
    if not fire and next_tick < late and missed == "once":
        fire = [max(next_tick, crontab.last_before(late))]
    return DueTicks(fire, tick)
