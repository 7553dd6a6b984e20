# SPDX-License-Identifier: MIT
"""host/stats against SciPy, or against the definition where SciPy has none, on the vectors in tests/vectors."""
import json
import math
import os
import pathlib
import subprocess
import unittest

import numpy as np
from scipy import stats

VECTORS = pathlib.Path(os.environ["P2P_SOURCE"]) / "tests" / "vectors"
FIGURES = ["avg", "p50", "p99", "p99_9", "max", "warm_max"]
SEGMENT_MIN = 3


def pairs(kind):
    """Each vector and what pin2pin makes of it."""
    path = VECTORS / f"{kind}.json"
    answer = subprocess.run([os.environ["STATISTICS"], kind, path], check=True, capture_output=True, text=True).stdout
    vectors, results = json.loads(path.read_text()), json.loads(answer)
    if not vectors or len(vectors) != len(results):
        raise AssertionError(f"{len(vectors)} vectors, {len(results)} results")
    return zip(vectors, results)


class Case(unittest.TestCase):
    def near(self, found, expected, relative=0.0, absolute=0.0):
        self.assertTrue(abs(found - expected) <= absolute + relative * abs(expected), f"{found} is not {expected}")


class Rates(Case):
    # SciPy looks for the bounds with brentq, to 2e-12 plus 9e-16 of the bound.
    def test_bounds_are_those_of_binomtest(self):
        for v, r in pairs("rates"):
            with self.subTest(**v):
                for side, alternative in ("upper", "less"), ("lower", "greater"):
                    test = stats.binomtest(v["k"], v["n"], alternative=alternative)
                    interval = test.proportion_ci(v["confidence"], method="exact")
                    self.near(r[side], interval.high if side == "upper" else interval.low, 1e-9, 1e-11)

    def test_the_samples_needed_are_the_least_that_suffice(self):
        for v, r in pairs("rates"):
            with self.subTest(**v):
                def so_few(n):
                    return stats.binom.cdf(v["k"], n, v["probability"])
                rest = 1 - v["confidence"]
                self.assertLessEqual(so_few(r["needed"]), rest * (1 + 1e-9))
                self.assertGreater(so_few(r["needed"] - 1), rest * (1 - 1e-9))


class Ranks(Case):
    def test_ranks_are_those_of_the_binomial_distribution(self):
        for v, r in pairs("ranks"):
            with self.subTest(**v):
                p = v["numerator"] / v["denominator"]
                tail = (1 - v["confidence"]) / 2
                low, high = stats.binom.ppf(tail, v["n"], p), stats.binom.isf(tail, v["n"], p) + 1
                self.assertEqual(r, [low, high] if low >= 1 and high <= v["n"] else None)


def untied_tails(a_count, b_count):
    """P(U <= u) for each u, by the Gaussian binomial coefficient, in whole numbers."""
    counts = [1]
    for i in range(1, a_count + 1):
        counts = [c - (counts[k - b_count - i] if k >= b_count + i else 0)
                  for k, c in enumerate(counts + [0] * (b_count + i))]
        for k in range(i, len(counts)):
            counts[k] += counts[k - i]
    counts = counts[:a_count * b_count + 1]
    assert sum(counts) == math.comb(a_count + b_count, a_count)
    return np.cumsum([c / sum(counts) for c in counts])


class Differences(Case):
    EXACT_MAX = 100

    def rank_of_the_interval(self, v):
        a, b = len(v["a"]), len(v["b"])
        tail = (1 - v["confidence"]) / 2
        if a + b > self.EXACT_MAX:
            reach = stats.norm.isf(tail) * math.sqrt(a * b * (a + b + 1) / 12)
            return math.floor(a * b / 2 - reach)
        return int(np.sum(untied_tails(a, b) <= tail * (1 + 1e-9)))

    def test_p_is_that_of_mannwhitneyu(self):
        for v, r in pairs("differences"):
            values = v["a"] + v["b"]
            if len(values) > self.EXACT_MAX:
                method = "asymptotic"
            elif len(set(values)) == len(values):
                method = "exact"
            else:
                continue
            with self.subTest(a=len(v["a"]), b=len(v["b"]), method=method):
                self.near(r["p"], stats.mannwhitneyu(v["a"], v["b"], method=method).pvalue, 1e-9)

    # SciPy's exact way ignores ties, but it can go through all ways to draw group a, of which 7 of 16 have few enough.
    def test_p_with_ties_is_that_of_all_permutations(self):
        tried = 0
        for v, r in pairs("differences"):
            values = v["a"] + v["b"]
            if len(set(values)) == len(values) or len(values) > 16:
                continue
            tried += 1
            midranks = stats.rankdata(values)
            with self.subTest(a=v["a"], b=v["b"]):
                test = stats.permutation_test(
                    (midranks[:len(v["a"])], midranks[len(v["a"]):]), lambda x, y, axis: np.sum(x, axis=axis),
                    permutation_type="independent", vectorized=True, n_resamples=np.inf, batch=2000)
                self.near(r["p"], test.pvalue, 1e-9)
        self.assertGreater(tried, 5)

    def test_the_least_p_is_one_draw_of_all(self):
        for v, r in pairs("differences"):
            self.near(r["p_least"], min(2 / math.comb(len(v["a"]) + len(v["b"]), len(v["a"])), 1), 1e-12)

    # Sums and quotients are rounded once each on both sides; the geometric mean twice.
    def test_shift_and_interval_are_those_of_all_pairs(self):
        for v, r in pairs("differences"):
            a, b = np.array(v["a"], float), np.array(v["b"], float)
            shifts = np.sort(np.subtract.outer(b, a).ravel())
            ratios = np.sort(np.divide.outer(b, a).ravel())
            k = self.rank_of_the_interval(v)
            with self.subTest(a=len(a), b=len(b), k=k):
                self.near(r["shift"], np.median(shifts), 1e-12, 1e-12)
                self.near(r["ratio"], math.exp(np.median(np.log(ratios))), 1e-12)
                self.assertEqual(r["bounded"], k >= 1)
                if k >= 1:
                    self.assertEqual([r["low"], r["high"]], [shifts[k - 1], shifts[-k]])
                    self.assertEqual([r["ratio_low"], r["ratio_high"]], [ratios[k - 1], ratios[-k]])


class Samples(Case):
    @staticmethod
    def in_ns(v, ticks):
        """Corrected, rounded half up, not below 0. 8 ns a tick."""
        return np.maximum(np.floor(np.asarray(ticks) * 1e9 / v["tick_hz"] - v["correction_ns"] + 0.5), 0)

    @staticmethod
    def nearest_rank(ascending, numerator, denominator):
        return ascending[-(-len(ascending) * numerator // denominator) - 1]

    def test_figures_of_boots(self):
        for v, r in pairs("samples"):
            for ticks, boot in zip(v["boots"], r["boots"], strict=True):
                ns, warm = np.sort(self.in_ns(v, ticks)), self.in_ns(v, ticks[v["warmup"]:])
                exact = np.array(ticks) * 1e9 / v["tick_hz"]
                expected = [max(np.mean(exact) - v["correction_ns"], 0), self.nearest_rank(ns, 1, 2),
                            self.nearest_rank(ns, 99, 100), self.nearest_rank(ns, 999, 1000), ns[-1], max(warm)]
                with self.subTest(name=v["name"]):
                    self.assertEqual([boot["n"], boot["n_warm"]], [len(ns), len(warm)])
                    self.near(boot["variance"], np.var(exact - exact[0], ddof=1), 1e-9)
                    for figure, found, known in zip(FIGURES, boot["figures"], expected, strict=True):
                        self.near(found, known, 1e-13 if figure == "avg" else 0)

    def test_intervals(self):
        for v, r in pairs("samples"):
            ns = np.sort(self.in_ns(v, np.concatenate(v["boots"])))
            for figure, p in ("p50_interval", 0.5), ("p99_interval", 0.99), ("p99_9_interval", 0.999):
                low, high = int(stats.binom.ppf(0.025, len(ns), p)), int(stats.binom.isf(0.025, len(ns), p)) + 1
                with self.subTest(name=v["name"], figure=figure):
                    self.assertEqual(r[figure], [ns[low - 1], ns[high - 1]] if low >= 1 and high <= len(ns) else None)

    def test_the_interval_of_the_mean_is_students_of_the_boots(self):
        for v, r in pairs("samples"):
            means = [np.mean(boot) * 1e9 / v["tick_hz"] - v["correction_ns"] for boot in v["boots"]]
            with self.subTest(name=v["name"]):
                if len(means) < 2:
                    self.assertIsNone(r["avg_interval"])
                    continue
                half = stats.t.ppf(0.975, len(means) - 1) * stats.sem(means)
                for found, expected in zip(r["avg_interval"], (np.mean(means) - half, np.mean(means) + half)):
                    self.near(found, max(expected, 0), 1e-12, 1e-9 * half)

    def test_what_lies_far_out_is_counted(self):
        for v, r in pairs("samples"):
            ns = self.in_ns(v, np.concatenate(v["boots"]))
            ticks = np.sort(np.concatenate(v["boots"]))
            q1, q3 = self.nearest_rank(ticks, 1, 4), self.nearest_rank(ticks, 3, 4)
            fence = self.in_ns(v, q3 + 3 * max(q3 - q1, 1))
            with self.subTest(name=v["name"]):
                self.assertEqual(r["above"], np.sum(ns > v["over_ns"]))
                self.assertEqual([r["fence"], r["outliers"]], [fence, np.sum(ns > fence)])

    # Textbook sums of squares, of values moved close to 0 to lose nothing.
    def test_components_of_variance(self):
        for v, r in pairs("samples"):
            first = v["boots"][0][0]
            boots = [(np.array(boot) - first) * 1e9 / v["tick_hz"] for boot in v["boots"]]
            everything, k = np.concatenate(boots), len(boots)
            within = sum(np.sum((x - x.mean()) ** 2) for x in boots) / (len(everything) - k)
            between = 0
            if k > 1:
                mean_square = sum(len(x) * (x.mean() - everything.mean()) ** 2 for x in boots) / (k - 1)
                size = (len(everything) - sum(len(x) ** 2 for x in boots) / len(everything)) / (k - 1)
                between = max((mean_square - within) / size, 0)
            with self.subTest(name=v["name"]):
                self.near(r["within"], math.sqrt(within), 1e-9)
                self.near(r["between"], math.sqrt(between), 1e-6)  # a small difference of large squares

    # Moments by each sample's place; SciPy's distribution for what they mean.
    def test_tails(self):
        fitted = 0
        for v, r in pairs("samples"):
            ticks = np.sort(np.concatenate(v["boots"]))
            threshold = self.nearest_rank(ticks, 99, 100)
            threshold = threshold + 0.5  # between the ticks
            x = (ticks[ticks > threshold] - threshold) * 1e9 / v["tick_hz"]
            with self.subTest(name=v["name"]):
                if len(x) < 100 or np.ptp(x) == 0:
                    self.assertNotIn("tail", r)
                    continue
                fitted += 1
                n, tail = len(x), r["tail"]
                a0, a1 = np.mean(x), np.mean(x * (n - 1 - np.arange(n)) / (n - 1))
                shape, scale = 2 - a0 / (a0 - 2 * a1), 2 * a0 * a1 / (a0 - 2 * a1)
                level = stats.genpareto.isf(v["probability"] * len(ticks) / n, shape, scale=scale)
                self.assertEqual(tail["peaks"], n)
                self.near(tail["threshold"], threshold * 1e9 / v["tick_hz"] - v["correction_ns"], 1e-12)
                self.near(tail["shape"], shape, 1e-9, 1e-9)
                self.near(tail["scale"], scale, 1e-9)
                self.near(tail["level"], tail["threshold"] + level, 1e-6)
                if v["name"] == "heavy":  # else few ticks make the tail, for which likelihood is not the same
                    likely, _, _ = stats.genpareto.fit(x, floc=0)
                    self.near(tail["shape"], likely, 0, 2 * (1 + likely) / math.sqrt(n))  # of two standard errors
        self.assertGreater(fitted, 0)


class Nights(Case):
    @staticmethod
    def best(x):
        """The split with the largest energy: of every split and end at once, by sums over the matrix of distances."""
        count = len(x)
        sums = np.zeros((count + 1, count + 1))
        sums[1:, 1:] = np.abs(np.subtract.outer(x, x)).cumsum(0).cumsum(1)
        split, end = np.meshgrid(np.arange(count + 1), np.arange(count + 1), indexing="ij")
        m, n = split, end - split
        with np.errstate(divide="ignore", invalid="ignore"):
            left = np.diag(sums)[split] / (m * (m - 1))
            both = sums[split, end] - np.diag(sums)[split]
            right = (np.diag(sums)[end] - np.diag(sums)[split] - 2 * both) / (n * (n - 1))
            energy = m * n / (m + n) * (2 * both / (m * n) - left - right)
        energy[(m < SEGMENT_MIN) | (n < SEGMENT_MIN)] = -math.inf
        where = np.argmax(energy)
        return energy.flat[where], int(split.flat[where])

    def points(self, x, alpha, rng, first=0):
        if len(x) < 2 * SEGMENT_MIN:
            return []
        seen, split = self.best(x)
        as_good = 1 + sum(self.best(rng.permutation(x))[0] >= seen for _ in range(999))
        if as_good > 1000 * alpha:
            return []
        return (self.points(x[:split], alpha, rng, first) + [first + split]
                + self.points(x[split:], alpha, rng, first + split))

    def test_changes_are_where_their_definition_has_them(self):
        for v, r in pairs("nights"):
            with self.subTest(name=v["name"]):
                self.assertEqual(r, self.points(np.array(v["series"]), v["alpha"], np.random.default_rng(1)))

    def test_they_are_where_the_levels_change(self):
        expected = {"flat": [], "step": [31], "hump": [15, 33], "stairs": [15, 30, 45], "noisier": [30], "outliers": []}
        self.assertEqual({v["name"]: r for v, r in pairs("nights")}, expected)


class Tables(Case):
    def test_holm(self):
        for v, r in pairs("tables"):
            p = np.array(v["p"])
            order = np.argsort(p, kind="stable")
            adjusted = np.empty(len(p))
            adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
            for found, expected in zip(r, adjusted, strict=True):
                self.near(found, expected, 1e-15)


if __name__ == "__main__":
    unittest.main()
