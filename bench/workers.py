"""Live processes that measure on request, pinned to the same cores, and rounds that go through them in turns."""
import contextlib
import os
import pathlib
import statistics
import subprocess
import time

SLOT_S = 0.05    # of one worker in one round, where a run is shorter than that
SETTLE_S = 0.1  # between two workers: the last one's idle threads have stopped spinning (OpenBLAS: 2^26 cycles)
MAX_RUNS = 20000
TOLERANCE = 1e-3  # of the sums of magnitudes of two answers


class Refused(Exception):
    """A worker can't do what it was asked."""


class Worker:
    """One process that speaks the lines of worker.h."""

    def __init__(self, name, command, cores, environment=None):
        self.name, self.cores = name, set(cores)
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=dict(os.environ, **(environment or {})), preexec_fn=lambda: os.sched_setaffinity(0, cores))
        try:
            self.version = self._answer()
        except Refused:
            self.close()
            raise

    def ask(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except OSError as problem:
            raise Refused(f"{self.name}: ended with {self.process.poll()}") from problem
        return self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        word, _, rest = line.strip().partition(" ")
        if word != "ok":
            raise Refused(f"{self.name}: {rest or 'ended with ' + str(self.process.wait())}")
        return rest

    def run(self, count):
        return float(self.ask(f"run {count}"))

    def strays(self):
        """Cores outside those it was pinned to, where its threads may run: some libraries bind them themselves."""
        found = set()
        for thread in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # it has ended
                found |= os.sched_getaffinity(int(thread.name))
        return found - self.cores

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            line = next(line for line in status if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def close(self):
        try:
            self.process.stdin.close()
            self.process.wait(10)
        except BrokenPipeError:
            self.process.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.stdout.close()


def spread(values):
    """Median, p10 and p90 (nearest rank)."""
    ordered = sorted(values)
    pick = lambda share: ordered[round(share * (len(ordered) - 1))]  # noqa: E731
    return {"median": statistics.median(ordered), "p10": pick(0.1), "p90": pick(0.9)}


def prepare(workers, requests):
    """Asks each worker for its request. The workers that can do it with an equal answer, and why the others can't."""
    ready, void, expected = [], [], None
    for worker in workers:
        try:
            answer = float(worker.ask(requests[worker.name]))
        except Refused as problem:
            void.append(str(problem))
            continue
        if expected is None:
            expected = answer
        if abs(answer - expected) > TOLERANCE * (abs(expected) + 1e-30):
            raise SystemExit(f"{requests[worker.name]}: {worker.name} answers {answer}, {workers[0].name} {expected}")
        ready.append(worker)
    return ready, void


def measure(workers, requests, rounds, budget_s):
    """Interleaved rounds over the workers, the first of which is ours: seconds a run by name, ratios, what is void.
    Ends after `rounds` rounds, or after `budget_s` seconds and three rounds."""
    ready, void = prepare(workers, requests)
    if not ready or ready[0] is not workers[0]:
        raise Refused("; ".join(void))
    counts = {}
    for worker in ready:  # the warm-up as well
        once = min(worker.run(1) for _ in range(2))
        counts[worker.name] = max(1, min(MAX_RUNS, round(SLOT_S / once)))
    for worker in ready:
        if worker.strays():
            raise Refused(f"{worker.name}: its threads run on cores {worker.strays()}, which are not in the row")
    times = {worker.name: [] for worker in ready}
    start = time.monotonic()
    for number in range(rounds):
        if number >= 3 and time.monotonic() - start > budget_s:
            break
        turn = number % len(ready)  # nobody always follows the same one
        for worker in ready[turn:] + ready[:turn]:
            time.sleep(SETTLE_S)
            times[worker.name].append(worker.run(counts[worker.name]))
    return {"seconds": {name: spread(values) for name, values in times.items()}, "rounds": len(times[ready[0].name]),
            "runs_per_round": counts, "void": void, **ratios(times, ready[0].name)}


def ratios(times, ours):
    """Ours over the best peer: of the medians, and the spread of the rounds' own ratios."""
    medians = {name: statistics.median(values) for name, values in times.items() if name != ours}
    if not medians:
        return {"best_peer": None, "ratio": None}
    best = min(medians, key=medians.get)
    paired = spread([mine / theirs for mine, theirs in zip(times[ours], times[best])])
    return {"best_peer": best, "ratio": statistics.median(times[ours]) / medians[best], "ratio_of_rounds": paired}
