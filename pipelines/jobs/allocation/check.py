"""Checks an allocation's certificate alone: python check.py certificate.json curves.json"""

import hashlib
import json
import math
import sys
from pathlib import Path
from typing import Any


def between(knots: list[int], values: list[float], x: int) -> float:  # curves are linear there
    i = sum(knot < x for knot in knots)
    part = 1.0 if knots[i] == x else (x - knots[i - 1]) / (knots[i] - knots[i - 1])
    return values[i] if part == 1 else values[i - 1] * (1 - part) + values[i] * part


def highest(c: Any, channels: Any, leaf: Any, box: Any, kept: Any) -> float:
    """Lagrange's bound: at a price for each constraint, the best point of each channel alone."""
    goal, total, count = c["goal"], 0.0, len(channels[min(channels)]["outcome"])

    def weights(names: Any, row: Any) -> Any:  # of the lowest draws; nan is no bound
        w, low = c["weights"][row], kept.get(frozenset(names), kept[""])
        most = 1 / max(1.0, goal["tail"] * count * (goal["risk"] != "p10"))
        fair = w.keys() <= low and min(w.values()) >= 0 and max(w.values()) <= most * (1 + 1e-9)
        return w if fair and abs(math.fsum(w.values()) - 1) <= 1e-9 else dict.fromkeys(w, math.nan)

    worth = weights(goal["channels"], leaf["worth"])
    terms = [(goal["channels"], goal["outcome_factor"], goal["spend_factor"], worth)]
    for k in c["constraints"]:
        price = leaf["multipliers"].get(k["name"], 0) * (1 if k["sense"] == "<=" else -1)
        w = weights(k["channels"], leaf["target_weights"][k["name"]]) if price and k["cost"] else {}
        terms.append((k["channels"], price * (k["cost"] or 0), price, w))
        total += price * k["bound"] if k["cost"] is None else 0
    for name, (a, b) in box.items():
        knots, draws = channels[name]["spend"], channels[name]["outcome"]
        parts = [(f * w, draws[int(d)]) for n, f, _, r in terms if name in n for d, w in r.items()]
        line = [math.fsum(w * draw[i] for w, draw in parts) for i in range(len(knots))]
        unit = math.fsum(price for names, _, price, _ in terms if name in names)
        total += max(between(knots, line, x) - unit * x for x in {a, b, *knots} if a <= x <= b)
    return total


def claims(c: Any, channels: Any) -> Any:  # whether each holds (to 1e-9 of floats), and its text
    def outcome(names: Any) -> float:
        curves = [(channels[n]["spend"], channels[n]["outcome"], c["spend"][n]) for n in names]
        drawn = [[between(knots, draw, x) for draw in draws] for knots, draws, x in curves]
        draws = sorted(math.fsum(parts) for parts in zip(*drawn, strict=True))
        size = max(1.0, goal["tail"] * len(draws))  # of the lowest, or a low one
        mean = math.fsum(d * min(1.0, max(0.0, size - i)) / size for i, d in enumerate(draws))
        return draws[math.ceil(size - 1e-9) - 1] if goal["risk"] == "p10" else mean

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
        near = near and k["value"] == value and k["binds"] == (slack <= 1e-6 * size)
        yield near, f"'{k['name']}' has this value, bound and slack, and binds if it says so"
        yield slack >= -1e-12 * size and k["sense"] in senses, f"'{k['name']}' holds"
        if len(names) == 1 and not target:
            a, b = box[names[0]]
            box[names[0]] = (a, min(b, bound)) if k["sense"] == "<=" else (max(a, bound), b)
    spent = sum(spend[n] for n in goal["channels"]) * goal["spend_factor"]
    value, top = goal["outcome_factor"] * outcome(goal["channels"]) - spent, stated["bound"]
    gap, size = (top - value) / max(abs(top), abs(value), 1e-300), max(abs(value), abs(spent))
    yield abs(stated["value"] - value) <= 1e-9 * size, "the objective is what the curves say"
    yield gap <= stated["gap"] + 1e-9, "the gap is at most as stated"
    every = {str(d) for d in range(len(channels[min(channels)]["outcome"]))}
    boxes: Any = [(c["proof"], box, {"": set() if goal["risk"] == "p10" else every})]
    while boxes:  # its parts cover a box, so the leaves cover every split
        node, box, kept = boxes.pop()
        if name := node.get("channel"):
            yield box[name][0] <= node["at"] <= box[name][1], "a box is split inside"
            boxes.append((node["below"], {**box, name: (box[name][0], node["at"])}, kept))
            boxes.append((node["above"], {**box, name: (node["at"], box[name][1])}, kept))
        elif groups := node.get("groups"):  # more than there are draws below the percentile
            draws, key = [str(d) for group in groups for d in group], frozenset(node["channels"])
            apart = len(every & set(draws)) == len(draws)
            yield apart and len(groups) > goal["tail"] * len(every) - 1e-9, "a group is kept whole"
            for part, group in zip(node["parts"], groups, strict=True):
                boxes.append((part, box, {**kept, key: {*kept.get(key, ()), *map(str, group)}}))
        else:
            bound = highest(c, channels, node, box, kept)
            near, least = 1e-9 * max(size, abs(bound)), min([0, *node["multipliers"].values()])
            yield least == 0 and bound - near <= node["bound"] <= top + near, "a leaf's bound holds"


if __name__ == "__main__":
    certificate, curves = (json.loads(Path(path).read_bytes()) for path in sys.argv[1:])
    false = [text for holds, text in claims(certificate, curves["channels"]) if not holds]
    print("\n".join(f"False: {text}." for text in false) or "Every claim holds.")
    sys.exit(1 if false else 0)
