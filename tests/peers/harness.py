"""What the peer tests share: the program under test, comparisons, and the count of them."""

import contextlib
import datetime
import json
import os
import subprocess
import tempfile
import traceback

compared = 0
failed = 0


class Difference(Exception):
    pass


@contextlib.contextmanager
def case(title):
    """One case: what goes wrong in it is told and counted, and the next one goes on."""
    global failed
    try:
        yield
    except Difference as difference:
        failed += 1
        print(f"{title}: NOT EQUAL: {difference}", flush=True)
    except Exception:  # pylint: disable=broad-except
        failed += 1
        print(f"{title}: BROKE OFF: {traceback.format_exc()}", flush=True)
    else:
        print(f"{title}: equal", flush=True)


def check(what, holds):
    global compared
    if not holds:
        raise Difference(what)
    compared += 1


def equal(what, ours, theirs):
    global compared
    if ours == theirs:
        compared += 1
        return
    if isinstance(ours, list) and isinstance(theirs, list):
        for at, (left, right) in enumerate(zip(ours, theirs)):
            if left != right:
                raise Difference(f"{what}: element {at}: {left!r}, but the other side has {right!r}")
        raise Difference(f"{what}: {len(ours)} elements, but the other side has {len(theirs)}")
    raise Difference(f"{what}: {ours!r}, but the other side has {theirs!r}")


@contextlib.contextmanager
def serving(command):
    """A program that prints a JSON document in one line and serves until it is ended; gives the document."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdin.close()
        process.stdout.close()


class Meterwright:
    """The real binary over a store of its own."""

    def __init__(self, program):
        self.program = program
        self.folder = tempfile.TemporaryDirectory()
        self.store = f"{self.folder.name}/peers.meterwright"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def run(self, *words, environment=None):
        done = self.end_of(*words, environment=environment)
        if done.returncode != 0:
            raise Difference(f"{' '.join(words)} ended with {done.returncode}: {done.stderr}{done.stdout}")
        return done.stdout

    def end_of(self, *words, environment=None):
        command = [self.program, "--store", self.store, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)

    def json(self, *words, exit_code=lambda _: 0):
        """The document of a command, whose exit code must be what the document says."""
        done = self.end_of(*words, "--json", "--quiet")
        try:
            document = json.loads(done.stdout)
        except ValueError as error:
            raise Difference(f"{' '.join(words)} gave no document: {done.stderr}{done.stdout}") from error
        equal(f"{' '.join(words)}: exit code, with {done.stderr!r}", done.returncode, exit_code(document))
        return document

    def add(self, name, line, time_zone, secrets=None, **settings):
        """Adds a meter; secrets (by kind) go through the environment, as a script would have it."""
        words = [word for key, value in settings.items() for word in (f"--{key.replace('_', '-')}", str(value))]
        environment = dict(os.environ)
        for kind, secret in (secrets or {}).items():
            variable = f"PEERS_{kind.replace('-', '_').upper()}"
            environment[variable] = secret
            words += ["--secret", f"{kind}=env:{variable}"]
        self.run("meter", "add", name, "--line", line, "--time-zone", time_zone, *words, environment=environment)

    @staticmethod
    def half_hour_before(stamp):
        moment = datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00"))
        return (moment - datetime.timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
