#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the vectors beside it: python3 tests/vectors/make.py. From seeded distributions, so that they stay the same."""
import json
import pathlib
import random

TICK_HZ = 125000000


def normal(rng, mean, deviation):
    return max(round(rng.gauss(mean, deviation)), 1)


def heavy(rng, scale, shape):
    """Pareto: without a variance for shape <= 2, without a mean for shape <= 1."""
    return min(round(scale * rng.paretovariate(shape)), 1 << 20)


def two_levels(rng, low, high, rare):
    """A latency that is one of two, as by a timer tick that sometimes gets between: all ties."""
    return high if rng.random() < rare else low


def rates():
    """What binomial bounds are asked for: rare events, common ones, both ends."""
    rng = random.Random(1)
    cases = [(0, 1), (1, 1), (0, 2995), (0, 2995731), (1, 10), (5, 10), (10, 10), (37, 1000000), (500000, 1000000)]
    for _ in range(30):
        n = round(10 ** rng.uniform(1, 8))
        cases.append((round(n * 10 ** rng.uniform(-6, 0)), n))
    return [{"k": k, "n": n, "confidence": rng.choice([0.9, 0.95, 0.99]), "probability": 10 ** rng.uniform(-6, -0.5)}
            for k, n in cases]


def ranks():
    rng = random.Random(2)
    sizes = [1, 5, 6, 100, 367, 368, 2995, 10000, 100000000] + [round(10 ** rng.uniform(1, 8)) for _ in range(30)]
    return [{"n": n, "numerator": numerator, "denominator": denominator, "confidence": confidence}
            for n in sizes for numerator, denominator in [(1, 2), (99, 100), (999, 1000)] for confidence in [0.95, 0.99]]


def differences():
    """Boots' figures: apart and not, with ties and without, from a few to more than is counted out exactly."""
    rng = random.Random(3)
    cases = []
    for a_count, b_count in [(1, 1), (2, 3), (5, 5), (10, 10), (7, 9), (30, 25), (50, 50), (60, 55), (200, 150)]:
        for shift in [0, 0.3, 2]:
            for ties in [False, True]:
                deviation = 2 if ties else 40
                a = [round(rng.gauss(2000, deviation), 3) for _ in range(a_count)]
                b = [round(rng.gauss(2000 + shift * deviation, deviation), 3) for _ in range(b_count)]
                if ties:
                    a, b = [round(x) for x in a], [round(x) for x in b]
                cases.append({"a": a, "b": b, "confidence": rng.choice([0.95, 0.99])})
    cases.append({"a": [1000] * 10, "b": [400] * 10, "confidence": 0.99})
    cases.append({"a": [heavy(rng, 100, 0.8) for _ in range(12)], "b": [heavy(rng, 300, 0.8) for _ in range(12)],
                  "confidence": 0.95})
    return cases


def samples():
    """Runs of some boots, in ticks."""
    rng = random.Random(4)
    draws = {
        "normal": lambda boot: normal(rng, 250 + 3 * boot, 10),
        "heavy": lambda boot: heavy(rng, 200 + boot, 2.5),
        "no mean": lambda boot: heavy(rng, 100, 0.9),
        "two levels": lambda boot: two_levels(rng, 232, 331, 0.004),
        "all alike": lambda boot: 606,
        "large": lambda boot: (1 << 31) + normal(rng, 1000, 30),
    }
    cases = []
    for name, draw in draws.items():
        sizes = [3000] * 4 if name in ("normal", "heavy") else [rng.randrange(300, 600) for _ in range(5)]
        boots = [[draw(boot) for _ in range(size)] for boot, size in enumerate(sizes)]
        correction_ns = rng.choice([0, 2.75, -40.5])
        over_ns = sorted(x for boot in boots for x in boot)[-20] * 8
        cases.append({"name": name, "boots": boots, "warmup": 2, "tick_hz": TICK_HZ, "correction_ns": correction_ns,
                      "over_ns": over_ns, "probability": 1e-6})
    cases.append({"name": "one boot", "boots": [[5, 7, 9]], "warmup": 2, "tick_hz": TICK_HZ, "correction_ns": 0,
                  "over_ns": 60, "probability": 1e-6})
    return cases


def nights():
    """Levels by night, with noise that leaves no doubt whether there is a change."""
    rng = random.Random(6)
    levels = {
        "flat": lambda night: 100,
        "step": lambda night: 100 if night < 31 else 106,
        "hump": lambda night: 108 if 15 <= night < 33 else 100,
        "stairs": lambda night: 100 + 8 * (night // 15),
        "noisier": lambda night: 100 + (night >= 30) * rng.choice([-15, 15]),
        "outliers": lambda night: 180 if night in (9, 44) else 100,
    }
    return [{"name": name, "series": [round(level(night) + rng.gauss(0, 1), 3) for night in range(60)], "alpha": 0.01}
            for name, level in levels.items()]


def tables():
    rng = random.Random(7)
    return [{"p": [rng.choice([1, 0.05, 0.001]) * rng.random() for _ in range(count)]} for count in [1, 2, 10, 300]] + [
        {"p": [0.02, 0.01, 0.02, 0.02, 1.0]}]


def main():
    folder = pathlib.Path(__file__).parent
    for make in (rates, ranks, differences, samples, nights, tables):
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in make())
        (folder / f"{make.__name__}.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
