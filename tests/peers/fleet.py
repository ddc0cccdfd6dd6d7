"""Measures Meterwright on a fleet of its virtual meters, on real sockets.

fleet.py METERWRIGHT [WHAT…] [--meters N] [--bare PROGRAM]

WHAT is one or more of
  throughput  how many meters a second, beside gurux_dlms and dlms-cosem on the same meters: a day of each
  month       the same with thirty days of each
  latency     1,000 sessions in flight where every answer takes 200 ms
  idle        what 1,000 sessions cost that wait
  many        5,000 meters: how long they take to start, what they cost while nobody asks, one cycle over all of them

With `--bare`, the `bare-client` of `server/`, `throughput` also tells what sockets alone take on this computer: the same
octets sent without ciphering, the answers taken, nothing understood and nothing stored. No client can be faster.

The program must be built with `--release`. Everything shares one computer: the virtual meters take the same cores that
the clients want, so that rates tell little where something else runs beside; CPU a meter then tells more.
"""

import argparse
import contextlib
import datetime
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from harness import Meterwright

HERE = os.path.dirname(os.path.abspath(__file__))
PROFILE = "1-0:99.1.0*255"
SERIAL = "0-0:96.1.0*255"
REGISTERS = [f"1-0:{quantity}.8.0*255" for quantity in range(1, 9)] + ["1-0:1.8.1*255", "1-0:1.8.2*255"]
# The client that reads without ciphering, and the one that ciphers both ways (both are in every virtual meter).
SECURITIES = {
    "low": {"client": 32, "auth": "low", "security": "none"},
    "gmac": {"client": 1, "auth": "high-gmac", "security": "both"},
}
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def used(pid):
    """Seconds of CPU of a process, and its resident memory in MiB."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        resident = int(file.read().split()[1])
    return (int(fields[11]) + int(fields[12])) / TICKS, resident * PAGE / 2**20


@contextlib.contextmanager
def fleet(mw, meters, *words):
    """Virtual meters that the store knows; gives their process, their document and how long they took to answer."""
    command = [mw.program, "--store", mw.store, "simulate", "--meters", str(meters), "--add", "--json", "--quiet", *words]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        document = json.loads(process.stdout.readline())
        yield process.pid, document["meters"], time.monotonic() - began
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stdout.close()


def change(mw, *statements):
    with contextlib.closing(sqlite3.connect(mw.store)) as store, store:
        for statement in statements:
            store.execute(*statement)


def put_setting(key, value):
    return ("INSERT INTO setting VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (key, value))


def unlimited(mw, security):
    """No limit of new connections, and the way in that the clients take, too."""
    words = SECURITIES[security]
    set_words = "json_set(config, '$.client', ?, '$.auth', ?, '$.security', ?)"
    change(
        mw,
        put_setting("limits.new-connections-per-second", "0"),
        (f"UPDATE meter SET config = {set_words}", (words["client"], words["auth"], words["security"])),
    )


def leave_ten_registers(mw):
    """Takes all but the job's ten registers and its profile out of what is known of each meter, as a template does that
    names what is to be read."""
    kept = {*REGISTERS, PROFILE, SERIAL}
    changed = []
    with contextlib.closing(sqlite3.connect(mw.store)) as store, store:
        for meter, text in store.execute("SELECT meter_id, document FROM knowledge").fetchall():
            document = json.loads(text)
            entries = [entry.split(" ") for entry in document["objects"].split(";")]
            document["objects"] = ";".join(
                " ".join(entry) for entry in entries if entry[0] not in {"1", "3", "4", "5", "7"} or entry[2] in kept
            )
            changed.append((json.dumps(document), meter))
        store.executemany("UPDATE knowledge SET document = ? WHERE meter_id = ?", changed)


class Reading:
    """One `read --all` of the real program: wall time and CPU of the whole process, from its start to its end."""

    def __init__(self, mw, *words):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        command = [mw.program, "--store", mw.store, "read", "--all", "--json", "--quiet", *words]
        with tempfile.TemporaryFile("w+") as answer:
            self.process = subprocess.Popen(command, stdout=answer, text=True)
            self.peak = 0
            watch = threading.Thread(target=self.watch)
            watch.start()
            self.process.wait()
            self.seconds = time.monotonic() - began
            watch.join()
            answer.seek(0)
            self.results = json.load(answer)["results"]
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.failed = [result for result in self.results if not result["ok"]]

    def watch(self):
        with contextlib.suppress(OSError):
            while self.process.poll() is None:
                self.peak = max(self.peak, used(self.process.pid)[1])
                time.sleep(0.1)

    def stop_at_failures(self):
        if self.failed:
            raise SystemExit(f"{len(self.failed)} meters failed, the first one so: {self.failed[0]}")

    @property
    def exchanges(self):
        return statistics.mean(result["exchanges"] for result in self.results)


def span_of_job(days):
    """Whole days that every virtual meter holds: their begin and end."""
    end = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    return end - datetime.timedelta(days=1 + days), end - datetime.timedelta(days=1)


def read_days(mw, days_back=0, days=1):
    start, end = (moment - datetime.timedelta(days=days_back) for moment in span_of_job(days))
    span = ("--from", start.isoformat(), "--to", end.isoformat())
    return Reading(mw, "--what", "clock,registers,profile", *span)


def learn(mw):
    """Lets the program learn its meters: what it asks once and keeps. A busy computer may need more than one go."""
    for _ in range(3):
        one = read_days(mw, days_back=1)
        if not one.failed:
            break
    one.stop_at_failures()
    leave_ten_registers(mw)


def job_file(folder, meters, security, processes, threads, days):
    start, end = span_of_job(days)

    def code(obis):
        return obis.replace("-", ".").replace(":", ".").replace("*", ".")

    places = []
    for meter in meters:
        host, _, port = meter["line"].removeprefix("tcp://").rpartition(":")
        places.append({"host": host, "port": int(port)})
    job = {
        **SECURITIES[security],
        "server": 1,
        "framing": "wrapper",
        "password": meters[0]["password"],
        # Beyond what any of the clients before has used.
        "counter": time.time_ns() // 1_000_000 % 1_000_000_000 + 1_000_000,
        "registers": [[3, code(obis), 2] for obis in REGISTERS],
        "profile": code(PROFILE),
        # Our own range begins after its first instant, theirs with it.
        "from": int(start.timestamp()) + 1,
        "to": int(end.timestamp()),
        "least_rows": 30 * days,
        "meters": places,
        "processes": processes,
        "threads": threads,
    }
    if security == "gmac":
        job.update(encryption_key=meters[0]["encryption_key"], authentication_key=meters[0]["authentication_key"])
    path = f"{folder}/job.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(job, file)
    return path


def answer_of(who, command):
    """What another client printed; whoever breaks off ends the measure."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not done.stdout:
        raise SystemExit(f"{who} broke off: {done.stderr[-2000:]}")
    return done.stdout


def theirs(script, meters, security, processes, threads, days):
    with tempfile.TemporaryDirectory() as folder:
        path = job_file(folder, meters, security, processes, threads, days)
        command = [sys.executable, os.path.join(HERE, script), path]
        return json.loads(answer_of(script, command))


def line(who, rate, cpu_ms, exchanges, more=""):
    print(f"  {who:<44} {rate:8.0f} meters/s  {cpu_ms:7.2f} ms CPU a meter  {exchanges:4.1f} exchanges{more}", flush=True)


def requests_of_last_job(mw, password):
    """What was sent to the first meter of the last job, with the password that its trace masks."""
    octets = []
    with contextlib.closing(sqlite3.connect(mw.store)) as store:
        sent = store.execute(
            "WITH last AS (SELECT max(id) AS id FROM job) SELECT bytes, masked FROM trace, last WHERE job_id = last.id "
            "AND sent AND note IS NULL AND meter_id = (SELECT min(meter_id) FROM trace WHERE job_id = last.id) ORDER BY trace.id"
        )
        for data, masked in sent:
            request = bytearray(data)
            for begin, length in json.loads(masked):
                request[begin : begin + length] = password.encode()[:length]
            octets.append(bytes(request))
    return octets


def bare_rate(bare, mw, documents):
    """Meters a second where nothing is done with what they answer: the best of a few numbers of threads."""
    requests = [request.hex() for request in requests_of_last_job(mw, documents[0]["password"])]
    places = [meter["line"].removeprefix("tcp://") for meter in documents]
    rates = []
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as job:
        job.write("\n".join([str(len(requests)), *requests, *places]) + "\n")
        job.flush()
        for threads in (2, 4, 8, 16, 32):
            meters, seconds = answer_of(bare, [bare, job.name, str(threads)]).split()
            rates.append(int(meters) / float(seconds))
    return max(rates)


def month(program, meters, bare):
    throughput(program, max(meters // 10, 100), bare, 30)


def throughput(program, meters, bare, days=1):
    print(
        f"\nThroughput: clock, {len(REGISTERS)} registers and {48 * days} x 6 intervals of {meters} virtual meters; "
        "ours stored."
    )
    for security in SECURITIES:
        print(f" {security}:")
        with Meterwright(program) as mw, fleet(mw, meters) as (pid, documents, _):
            unlimited(mw, security)
            learn(mw)
            ours = []
            for days_back in (0, 1 + days, 1 + 2 * days):
                meters_used = used(pid)[0]
                one = read_days(mw, days_back, days)
                one.stop_at_failures()
                one.meters_cpu = used(pid)[0] - meters_used
                # A few meters had no supply for a while: rows are missing then.
                wrong = [
                    result
                    for result in one.results
                    if not 30 * days <= result["stored"]["intervals"] <= 48 * days
                    or result["stored"]["registers"] != 10
                ]
                if wrong:
                    raise SystemExit(f"{len(wrong)} meters gave something else: {wrong[0]}")
                ours.append(one)
            best = min(ours, key=lambda one: one.seconds)
            rate = meters / best.seconds
            note = f"  ({best.meters_cpu * 1000 / meters:.2f} ms CPU of the virtual meter, {best.peak:.0f} MiB)"
            line("meterwright, storing", rate, best.cpu_seconds * 1000 / meters, best.exchanges, note)
            # Ciphered messages cannot be sent twice.
            limit = bare_rate(bare, mw, documents) if bare and security == "low" else None
            if limit:
                print(f"  {'sockets alone':<44} {limit:8.0f} meters/s  (ours is {rate / limit:.2f} of it)", flush=True)
            for script, package, target in [
                ("fleet_with_gurux.py", "gurux_dlms", 20),
                ("fleet_with_dlms_cosem.py", "dlms-cosem", 10),
            ]:
                # So many meters as it reads in a few seconds are enough to know its rate.
                share = documents[: max(60, meters // 10) if security == "gmac" else max(100, meters // 4)]
                rates, costs = [], []
                for processes, threads in [(1, 8), (1, 32), (2, 1), (2, 8), (4, 8)]:
                    found = theirs(script, share, security, processes, threads, days)
                    rates.append(found["meters"] / found["seconds"])
                    cpu_ms = found["cpu_seconds"] * 1000 / found["meters"]
                    exchanges = found["sent"] / found["meters"]
                    costs.append(cpu_ms)
                    line(f"{package}, {processes} processes x {threads} threads", rates[-1], cpu_ms, exchanges)
                ratio, cost = rate / max(rates), min(costs) * meters / (best.cpu_seconds * 1000)
                print(
                    f"  -> {ratio:.1f} times the best rate of {package} (target {target}); "
                    f"its least CPU a meter is {cost:.1f} times ours"
                    + (f"; sockets alone are {limit / max(rates):.1f} times its rate" if limit else ""),
                    flush=True,
                )


def steady_rate(mw):
    """Meters a second of the last job while a thousand sessions were in flight: neither its first nor its last thousand."""
    with contextlib.closing(sqlite3.connect(mw.store)) as store:
        results = store.execute("SELECT at FROM job_result WHERE job_id = (SELECT max(id) FROM job) ORDER BY at")
        ends = [at for (at,) in results]
    # From the end of the first thousand to the end of the last but one: sessions that began together end together.
    return (len(ends) - 2000) / ((ends[-1001] - ends[999]) / 1_000_000)


def latency(program, meters, _bare):
    print(f"\nLatency: {meters} virtual meters that answer after 200 ms, 1,000 sessions in flight.")
    for security in SECURITIES:
        with Meterwright(program) as mw, fleet(mw, meters, "--fault", "latency=200") as (pid, _, _):
            unlimited(mw, security)
            learn(mw)
            # The first read after the meters were learnt still keeps how fast they answer.
            for days_back in (0, 2, 4):
                before = used(pid)[0]
                one = read_days(mw, days_back)
                one.stop_at_failures()
                meters_cpu = used(pid)[0] - before
                most = 1000 / (one.exchanges * 0.2)
                rate = meters / one.seconds
                line(f"{security}", rate, one.cpu_seconds * 1000 / meters, one.exchanges)
                print(
                    f"  -> {100 * steady_rate(mw) / most:.0f} % of {most:.0f} meters/s with 1,000 in flight "
                    f"(target 90 %), {100 * rate / most:.0f} % from the program's start to its end; "
                    f"virtual meters {meters_cpu * 1000 / meters:.2f} ms CPU each",
                    flush=True,
                )


def idle(program, _meters, _bare):
    print("\nIdle: 1,000 sessions that wait for an answer.")
    with Meterwright(program) as mw, fleet(mw, 1000, "--fault", "latency=60000"):
        unlimited(mw, "low")
        # The mesh's patience: a session waits for its answer and is not given up meanwhile.
        change(mw, ("UPDATE meter SET config = json_set(config, '$.line', config ->> '$.line' || '?medium=mesh')", ()))
        command = [program, "--store", mw.store, "read", "--all", "--what", "clock", "--quiet"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                time.sleep(5)
                before, resident = used(process.pid)
                time.sleep(10)
                after, _ = used(process.pid)
                sockets = len(os.listdir(f"/proc/{process.pid}/fd"))
            finally:
                process.terminate()
        share = (after - before) / 10
        print(f"  -> {100 * share:.2f} % of a core with {sockets} open files, {resident:.0f} MiB (target 1 %)", flush=True)


def many(program, _meters, _bare):
    print("\nMany: 5,000 virtual meters in one process.")
    with Meterwright(program) as mw, fleet(mw, 5000) as (pid, _, seconds):
        before, resident = used(pid)
        time.sleep(10)
        after, _ = used(pid)
        print(
            f"  answering after {seconds:.1f} s, added to a store on the way; {resident:.0f} MiB; "
            f"{100 * (after - before) / 10:.2f} % of a core while nobody asks",
            flush=True,
        )
        change(mw, put_setting("limits.new-connections-per-second", "0"))
        for title, reading in [
            ("first cycle, everything unknown", lambda: read_days(mw, 1)),
            ("second cycle, one day", lambda: read_days(mw)),
        ]:
            before = used(pid)[0]
            one = reading()
            after, resident = used(pid)
            line(title, 5000 / one.seconds, one.cpu_seconds / 5, one.exchanges)
            print(
                f"  -> {one.seconds:.1f} s, {len(one.failed)} failed; ours {one.peak:.0f} MiB, "
                f"the virtual meters {resident:.0f} MiB and {(after - before) / 5:.2f} ms CPU each",
                flush=True,
            )
            if one.failed:
                print(f"  the first failure: {one.failed[0]}", flush=True)


MEASURES = {"throughput": throughput, "month": month, "latency": latency, "idle": idle, "many": many}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("what", nargs="*", metavar="WHAT", help=", ".join(MEASURES))
    parser.add_argument("--meters", type=int, default=2000)
    parser.add_argument("--bare", metavar="PROGRAM")
    arguments = parser.parse_args()
    if unknown := set(arguments.what) - set(MEASURES):
        parser.error(f"{', '.join(unknown)}: measure {', '.join(MEASURES)}")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before we begin")
    for name, measure in MEASURES.items():
        if not arguments.what or name in arguments.what:
            measure(os.path.abspath(arguments.program), arguments.meters, arguments.bare)


if __name__ == "__main__":
    main()
