"""What the fleet clients share: many meters read by threads in processes, and what that took.

A client is a function `prepare(job)`, called once in each process, and a function `read_one(job, place, prepared)` that
reads one meter and gives how many messages it sent. Nothing is stored anywhere.
"""

import json
import multiprocessing
import os
import queue
import resource
import sys
import threading
import time


def cpu_seconds(who):
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def in_threads(job, places, prepare, read_one):
    """Reads meters with so many threads; gives how many messages were sent."""
    prepared = prepare(job)
    waiting = queue.SimpleQueue()
    for place in places:
        waiting.put(place)
    sent, failures = [], []

    def work():
        while True:
            try:
                place = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                sent.append(read_one(job, place, prepared))
            except Exception as error:  # pylint: disable=broad-except
                failures.append(f"{place}: {type(error).__name__}: {error}")
                return

    threads = [threading.Thread(target=work) for _ in range(job["threads"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(failures[0])
    return sum(sent)


def in_process(share, job, prepare, read_one):
    places = job["meters"][share :: job["processes"]]
    return in_threads(job, places, prepare, read_one)


def run(prepare, read_one):
    """Reads the job file's meters and tells how long that took, without the start of the interpreter."""
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    answer, sys.stdout = sys.stdout, sys.stderr
    used = cpu_seconds(resource.RUSAGE_SELF)
    began = time.monotonic()
    if job["processes"] == 1:
        sent = in_process(0, job, prepare, read_one)
    else:
        shares = [(share, job, prepare, read_one) for share in range(job["processes"])]
        with multiprocessing.get_context("fork").Pool(job["processes"]) as pool:
            sent = sum(pool.starmap(in_process, shares, 1))
            pool.close()
            pool.join()
    seconds = time.monotonic() - began
    used = cpu_seconds(resource.RUSAGE_SELF) - used + cpu_seconds(resource.RUSAGE_CHILDREN)
    json.dump({"meters": len(job["meters"]), "seconds": seconds, "cpu_seconds": used, "sent": sent}, answer)
    answer.flush()
    os._exit(0)
