"""APScheduler: jobs at a date, at intervals and on threads, one that fails, one that is removed, and its end."""

import asyncio
import datetime as dt
import logging
import threading

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from telling import tell


class Jobs:
    def __init__(self):
        self.loop = asyncio.get_running_loop()
        # What the scheduler reports: the job, and whether it failed.
        self.reports = asyncio.Queue()
        self.ticks = 0
        self.notes = []

    def report(self, event):
        self.reports.put_nowait((event.job_id, event.exception is not None))

    async def tick(self):
        await asyncio.sleep(0)
        self.ticks += 1
        self.notes.append(asyncio.get_running_loop() is self.loop)

    def work(self):
        """Run on a thread, as all that is not a coroutine does there."""
        self.notes.append(threading.current_thread() is not threading.main_thread())

    async def fail(self):
        message = "as it should"
        raise ValueError(message)


async def main():
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)  # It logs the job that fails.
    jobs = Jobs()
    scheduler = AsyncIOScheduler(timezone=dt.timezone.utc)
    scheduler.add_listener(jobs.report, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    scheduler.start()
    now = dt.datetime.now(dt.timezone.utc)
    # However late the machine runs them, none counts as missed.
    options = {"misfire_grace_time": None, "coalesce": False}
    soon = now + dt.timedelta(seconds=0.1)
    scheduler.add_job(jobs.work, "date", run_date=soon, id="work", **options)
    scheduler.add_job(jobs.fail, "date", run_date=soon, id="fail", **options)
    reports = sorted([await jobs.reports.get(), await jobs.reports.get()])
    scheduler.add_job(jobs.tick, "interval", seconds=0.05, id="tick", max_instances=10, **options)
    ticked = [await jobs.reports.get() for _ in range(5)]
    scheduler.remove_job("tick")
    left = len(scheduler.get_jobs())
    scheduler.shutdown()
    await asyncio.sleep(0)  # It ends in the loop's next iteration.
    assert jobs.ticks >= 5
    assert all(jobs.notes)
    return {"reports": reports, "ticked": sorted(set(ticked)), "left": left, "runs": scheduler.running}


if __name__ == "__main__":
    asyncio.run(tell(main()))
