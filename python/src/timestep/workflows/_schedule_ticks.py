"""Reading crontabs: which ticks are to come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter

_TICKS_AHEAD = 100
"""So many ticks are noted,"""

_AHEAD = timedelta(minutes=10)
"""or more, to last so long,"""

_FAR = timedelta(days=366)
"""but at most so far ahead, as of a schedule for each 29th of February."""

_LONG_AGO = timedelta(minutes=2)
"""How long ago a tick is when only the last one of all before it counts. Longer than ticks may be late."""

_CLOCK_CHANGE = timedelta(hours=3)
"""More than clocks are put forward by."""


@dataclass(frozen=True)
class Crontab:
    """A crontab of five fields, or six with seconds first; or a name for one, such as @daily.

    Read as the TypeScript module reads it: a tick is one by all of its fields, and there is none at a time of day that
    a change of the clocks leaves out.
    """

    text: str
    timezone: str

    def __post_init__(self) -> None:
        """Raises ValueError when it, or the time zone, is not one."""
        try:
            ZoneInfo(self.timezone)
            fields = len(self.text.split())
            if fields not in (5, 6) and not self.text.startswith("@"):
                raise ValueError(f"it has {fields} fields, not 5 or 6")
            next(self.after(datetime.now(tz=ZoneInfo("UTC"))))
        except Exception as error:
            raise ValueError(f'Cannot schedule by "{self.text}" in time zone "{self.timezone}": {error}') from error

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The ticks after a moment."""
        ticks = self._iterate(moment)
        while True:
            tick: datetime = ticks.get_next(datetime)
            if self._is_tick(tick):
                yield tick.astimezone(ZoneInfo("UTC"))

    def last_before(self, end: datetime) -> datetime:
        """The last tick before a moment."""
        ticks = self._iterate(end)
        while True:
            tick: datetime = ticks.get_prev(datetime)
            if self._is_tick(tick):
                return tick.astimezone(ZoneInfo("UTC"))

    def _is_tick(self, tick: datetime) -> bool:
        # What a change of the clocks leaves out is moved to right after it.
        if tick.utcoffset() == (tick - _CLOCK_CHANGE).utcoffset():
            return True
        wall = tick.replace(tzinfo=None)
        return bool(croniter.match(self.text, wall, day_or=False, second_at_beginning=True))

    def _iterate(self, start: datetime) -> croniter:
        local = start.astimezone(ZoneInfo(self.timezone))
        return croniter(self.text, local, day_or=False, second_at_beginning=True)


def ticks_ahead(crontab: Crontab, now: datetime, first: datetime | None = None) -> list[datetime]:
    """The ticks that are noted with a schedule, without a gap, the oldest first: at least two.

    Args:
        crontab: The schedule.
        now: The time; ticks after it are noted.
        first: A tick that has not been fired yet. Where it is long ago, the last one that is comes first: what was
            missed before it is never fired.
    """
    long_ago = now - _LONG_AGO
    begin = first if first is not None else next(crontab.after(now))
    if begin < long_ago:
        begin = max(begin, crontab.last_before(long_ago))
    ticks = [begin]
    further = crontab.after(begin)
    ahead = 0
    while True:
        lasts = ticks[-1] - now
        ahead += ticks[-1] > now
        if ahead >= 2 and lasts > _AHEAD and (ahead >= _TICKS_AHEAD or lasts > _FAR):
            return ticks
        ticks.append(next(further))
