"""The predictive model against scikit-learn, on the data that scikit-learn brings along.

usage: learn.py FERRY   (scikit-learn installed)
"""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

CLOSE = 1e-4


def train(ferry, file, *options):
    command = [ferry, "score", "train", "--from", str(file), "--target", "target", "--json", *options]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def held_out(model, x, y):
    folds = np.arange(len(y)) % 5
    chances = np.zeros(len(y))
    for fold in range(5):
        model.fit(x[folds != fold], y[folds != fold])
        chances[folds == fold] = model.predict_proba(x[folds == fold])[:, 1]
    return {
        "auc": roc_auc_score(y, chances),
        "pr_auc": average_precision_score(y, chances),
        "brier": brier_score_loss(y, chances),
        "log_loss": log_loss(y, chances),
    }


def main():
    ferry = sys.argv[1]
    data = load_breast_cancer()
    names = [str(name) for name in data.feature_names]
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "breast_cancer.csv"
        with open(file, "w", newline="") as into:
            out = csv.writer(into)
            out.writerow([*names, "target"])
            out.writerows([*map(repr, map(float, row)), int(label)] for row, label in zip(data.data, data.target))
        for l2 in (1.0, 0.1, 10.0):
            theirs = LogisticRegression(C=1 / l2, tol=1e-10, max_iter=100_000)
            scaled = StandardScaler().fit_transform(data.data)
            theirs.fit(scaled, data.target)
            ours = train(ferry, file, "--l2", str(l2))
            want = dict(zip(names, theirs.coef_[0]), intercept=theirs.intercept_[0])
            assert set(ours["coefficients"]) == set(want), ours["coefficients"].keys()
            off = max(abs(ours["coefficients"][name] - value) for name, value in want.items())
            assert off < CLOSE, (l2, off)
            # The scaler belongs to the model: a fold is held against what was learnt without it.
            metrics = held_out(make_pipeline(StandardScaler(), theirs), data.data, data.target)
            apart = max(abs(ours[name] - value) for name, value in metrics.items())
            assert apart < CLOSE, (l2, apart, metrics)
            card = ours["model_card"]
            assert (card["rows"], card["converged"], len(card["folds"]), len(card["deciles"])) == (569, True, 5, 10), card
            print(f"ok   breast cancer, l2 {l2}: 31 coefficients within {off:.1e}, 4 metrics within {apart:.1e}")
        model = pathlib.Path(folder) / "model.json"
        train(ferry, file, "--l2", "1", "--out", str(model))
        assert json.loads(model.read_text())["format"] == "ferry-model/1"
        one_kind = pathlib.Path(folder) / "one_kind.csv"
        one_kind.write_text("x,target\n" + "1,yes\n" * 20)
        for code, options in ((2, [file, "nowhere"]), (2, [one_kind.with_name("absent.csv"), "target"]), (1, [one_kind, "target"])):
            command = [ferry, "score", "train", "--from", str(options[0]), "--target", options[1], "--json"]
            ended = subprocess.run(command, capture_output=True, text=True)
            assert ended.returncode == code and not ended.stdout, (code, ended)
            assert json.loads(ended.stderr)["error"]["exit"] == code, ended.stderr
        print("ok   a model is written; what cannot be trained on ends with its code")


if __name__ == "__main__":
    main()
