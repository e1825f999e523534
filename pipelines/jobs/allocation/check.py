"""Checks an allocation's certificate alone: python check.py certificate.json curves.json

Says which claims are false, and then exits with 1. Floats are compared to 1e-9 of their size.
"""

import hashlib
import json
import math
import sys
from bisect import bisect_left, bisect_right
from pathlib import Path
from typing import Any


def between(knots: list[int], values: list[float], x: int) -> float:  # curves are linear there
    i = bisect_left(knots, x)
    part = 1.0 if knots[i] == x else (x - knots[i - 1]) / (knots[i] - knots[i - 1])
    return values[i] if part == 1 else values[i - 1] * (1 - part) + values[i] * part


def level(goal: Any, draws: list[float]) -> float:  # a low draw, or the mean of the lowest
    draws, size = sorted(draws), max(1.0, goal["tail"] * len(draws))
    if goal["risk"] == "p10":
        return draws[math.ceil(size - 1e-9) - 1]
    return math.fsum(d * min(1.0, max(0.0, size - i)) / size for i, d in enumerate(draws))


def highest(c: Any, channels: Any, leaf: Any, box: Any, worth: Any) -> float:
    """Lagrange's bound: at a price for each constraint, the best point of each channel alone."""
    listed = [(k, leaf["multipliers"].get(k["name"], 0)) for k in c["constraints"]]
    prices = [(k, price if k["sense"] == "<=" else -price) for k, price in listed if price]
    total = math.fsum(price * k["bound"] for k, price in prices if k["cost"] is None)
    for name, (low, high) in box.items():
        knots, draws = channels[name]["spend"], channels[name]["outcome"]
        parts = [(c["goal"]["outcome_factor"] * w, draws[int(d)]) for d, w in worth.items()]
        own = [(k, price) for k, price in prices if name in k["channels"]]
        unit = c["goal"]["spend_factor"] + math.fsum(price for _, price in own)
        for k, price in own:
            row = c["weights"][leaf["target_weights"][k["name"]]] if k["cost"] is not None else {}
            parts += [(price * k["cost"] * w, draws[int(d)]) for d, w in row.items()]
        line = [math.fsum(w * draw[i] for w, draw in parts) for i in range(len(knots))]
        points = [low, *knots[bisect_right(knots, low) : bisect_left(knots, high)], high]
        total += max(between(knots, line, x) - unit * x for x in points)
    return total


def claims(c: Any, channels: Any) -> Any:  # whether each holds, and what it says
    def outcome(names: Any) -> float:
        curves = [(channels[n]["spend"], channels[n]["outcome"], c["spend"][n]) for n in names]
        drawn = [[between(knots, draw, x) for draw in draws] for knots, draws, x in curves]
        return level(c["goal"], [math.fsum(parts) for parts in zip(*drawn, strict=True)])

    spend, goal, stated = c["spend"], c["goal"], c["objective"]
    box = {name: (curve["spend"][0], curve["spend"][-1]) for name, curve in channels.items()}
    whole = all(type(spend[n]) is int and a <= spend[n] <= b for n, (a, b) in box.items())
    text = json.dumps(channels, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    yield hashlib.sha256(text.encode()).hexdigest() == c["curves_sha256"], "these are its curves"
    yield whole and spend.keys() == box.keys(), "spend is in whole amounts, each on its curve"
    yield goal["tail"] == 1 or goal["risk"] in ("cvar", "p10"), "the mean is that of all draws"
    for k in c["constraints"]:
        names, target = sorted(set(k["channels"])), k["cost"] is not None
        value, senses = sum(spend[n] for n in names), ("<=",) if target else ("<=", ">=")
        bound = k["cost"] * outcome(names) if target else k["bound"]
        slack, size = (bound - value if k["sense"] == "<=" else value - bound), abs(bound) * target
        near = abs(k["bound"] - bound) <= 1e-9 * size and abs(k["slack"] - slack) <= 1e-9 * size
        yield k["value"] == value and near, f"'{k['name']}' has this value, bound and slack"
        yield slack >= -1e-12 * size and k["sense"] in senses, f"'{k['name']}' holds"
        yield k["binds"] == (slack <= 1e-6 * size), f"'{k['name']}' binds, or not, as it says"
        if len(names) == 1 and not target:
            a, b = box[names[0]]
            box[names[0]] = (a, min(b, bound)) if k["sense"] == "<=" else (max(a, bound), b)
    spent = sum(spend.values()) * goal["spend_factor"]
    value, top = goal["outcome_factor"] * outcome(channels) - spent, stated["bound"]
    gap, size = (top - value) / max(abs(top), abs(value), 1e-300), max(abs(value), spent)
    yield abs(stated["value"] - value) <= 1e-9 * size, "the objective is what the curves say"
    yield gap <= stated["gap"] + 1e-9, "the gap is at most as stated"
    draws, sums = len(channels[min(channels)]["outcome"]), {"": frozenset(channels)}
    sums.update((k["name"], frozenset(k["channels"])) for k in c["constraints"])
    rank = math.ceil(max(1.0, goal["tail"] * draws) - 1e-9)
    most = 1 if goal["risk"] == "p10" else (1 + 1e-9) / max(1, goal["tail"] * draws)
    for w in (row.values() for row in c["weights"]):
        yield min(w) >= 0 and max(w) <= most and abs(math.fsum(w) - 1) <= 1e-9, "weights are fair"
    every = dict.fromkeys(sums.values(), {str(d) for d in range(draws * (goal["risk"] != "p10"))})
    boxes = [(c["proof"], box, every)]
    while boxes:  # its parts cover a box, so the leaves cover every split
        node, box, kept = boxes.pop()
        if name := node.get("channel"):
            yield box[name][0] <= node["at"] <= box[name][1], "a box is split inside"
            boxes.append((node["below"], {**box, name: (box[name][0], node["at"])}, kept))
            boxes.append((node["above"], {**box, name: (node["at"], box[name][1])}, kept))
            continue
        if groups := node.get("groups"):  # the percentile leaves out fewer draws than groups
            once = len({d for group in groups for d in group}) == sum(map(len, groups))
            yield once and len(groups) == len(node["parts"]) >= rank, "a group loses no draw"
            for part, group in zip(node["parts"], groups, strict=True):
                name = frozenset(node["channels"])
                boxes.append((part, box, {**kept, name: kept[name] | set(map(str, group))}))
            continue
        rows = {"": node["worth"], **node["target_weights"]}
        fair = all(c["weights"][row].keys() <= kept[sums[name]] for name, row in rows.items())
        yield fair and min(node["multipliers"].values(), default=0) >= 0, "a leaf's prices are fair"
        bound = highest(c, channels, node, box, c["weights"][node["worth"]])
        near = 1e-9 * max(size, abs(bound))
        yield bound - near <= node["bound"] <= top + near, "a leaf's bound holds"


if __name__ == "__main__":
    certificate, curves = (json.loads(Path(path).read_bytes()) for path in sys.argv[1:])
    false = [text for holds, text in claims(certificate, curves["channels"]) if not holds]
    print("\n".join(f"False: {text}." for text in false) or "Every claim holds.")
    sys.exit(1 if false else 0)
