"""figures.py -- what was measured: each figure with the target that it is held against, a line of JSON, and the ratio to the last run."""
import json
import pathlib
import time

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "build/bench"
RESULTS = FOLDER / "results.jsonl"


class Figures:
    """In the order in which they were added; a target is the most that a figure may be. Figures of a smaller run have no target: they say nothing about
    the large one."""

    def __init__(self, full):
        self.full = full
        self.values, self.targets = {}, {}
        self.series = []  # of the plot: {"proxies", "services", "transport", "last_ms", "rss_mb"}
        self.before = self._last()

    def add(self, name, value, target=None):
        value = round(value, 4 if abs(value) < 1 else 2)
        self.values[name] = value
        if target is not None and self.full:
            self.targets[name] = target
        ratio = f"x {value / self.before[name]:.2f}" if self.before.get(name) else ""
        print(f"  {name:<80} {value:>12,g} {ratio:>8}  {self._verdict(name)}".rstrip(), flush=True)

    def _verdict(self, name):
        if name not in self.targets:
            return ""
        return f"{'met' if self.values[name] <= self.targets[name] else 'MISSED'}: target {self.targets[name]:,g}"

    def print_targets(self):
        """The figures that have one."""
        if not self.targets:
            print("\ntargets are held against the sizes of 'make bench-full'")
            return
        print(f"\n{'':<80} {'figure':>12} {'target':>9}")
        for name, target in self.targets.items():
            value = self.values[name]
            print(f"{name:<80} {value:>12,g} {target:>9,g}  {'met' if value <= target else 'MISSED'}")

    def _last(self):
        """The newest figure of each name among the runs of this size."""
        values = {}
        for line in RESULTS.read_text().splitlines() if RESULTS.exists() else []:
            run = json.loads(line)
            if run.get("full") == self.full:
                values.update(run["figures"])
        return values

    def save(self):
        FOLDER.mkdir(parents=True, exist_ok=True)
        record = {"time": int(time.time()), "full": self.full, "figures": self.values, "targets": self.targets, "series": self.series}
        with open(RESULTS, "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        (FOLDER / "last.json").write_text(json.dumps(record, indent=1) + "\n")
