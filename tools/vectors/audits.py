"""Writes vectors/audits.json: binomial tails and one-run p-values in whole numbers, Clopper-Pearson intervals and skew-normal fits by SciPy,
skew-normal tails by mpmath at 60 digits, SSIM by SciPy's Gaussian filter. Needs numpy, scipy, mpmath."""
import json
from fractions import Fraction
from math import comb
from pathlib import Path

import mpmath as mp
import numpy as np
from scipy import ndimage, optimize, stats

mp.mp.dps = 60


def tail(n, k, odds):
    """Whole numbers all the way; one division at the end."""
    return mp.mpf(sum(comb(n, j) * odds**j for j in range(k, n + 1))) / mp.mpf((1 + odds) ** n)


def one_run(m, r, v, odds, delta):
    """Theorem 5.2 of arXiv 2305.08846, all terms written out."""
    best = window = mp.mpf(0)
    for i in range(1, v + 1):
        window += mp.mpf(comb(r, v - i)) * mp.mpf(odds) ** (v - i) / mp.mpf(1 + odds) ** r
        best = max(best, window / i)
    return min(mp.mpf(1), tail(r, v, odds) + 2 * m * mp.mpf(delta.numerator) / delta.denominator * best)


def skew_tail(x, a):
    density = lambda t: 2 * mp.npdf(t) * mp.ncdf(a * t)
    slope = 1 + abs(x) * (1 + a * a)  # panels as narrow as the tail is steep
    return mp.log(mp.quad(density, [x - 60] + [x - mp.mpf(j) / slope for j in (400, 150, 70, 40, 20, 10, 5, 2, 1)] + [x]))


tails = [(10, 7, 1), (100, 80, 2), (1000, 900, 8), (5, 0, 3), (5, 5, 1), (2000, 1100, 1), (64, 64, 31)]
runs = [
    (100, 100, 100, 4, 0), (100, 40, 40, 8, 0), (1000, 1000, 600, 1, 0), (1000, 200, 190, 8, Fraction(1, 10**5)),
    (1000, 1000, 900, 7, Fraction(1, 10**5)), (500, 100, 60, 1, Fraction(1, 10**4)), (2000, 50, 50, 20, Fraction(1, 10**6)),
    (32, 16, 3, 1, Fraction(1, 100)),
]
intervals = [(0, 10, 0.95), (3, 10, 0.95), (10, 10, 0.95), (17, 1000, 0.99), (1, 5000, 0.975), (990, 1000, 0.9)]
rng = np.random.default_rng(5)
fits = []
for shape, n in [(3.0, 2000), (-1.5, 1500), (8.0, 1000)]:
    sample = np.round(stats.skewnorm.rvs(shape, 40, 6, size=n, random_state=rng), 4)
    start = (shape, 40, 6)
    best = optimize.minimize(lambda p: -stats.skewnorm.logpdf(sample, *p).sum(), start, method="Nelder-Mead",
                             options={"xatol": 1e-10, "fatol": 1e-10, "maxiter": 10000, "maxfev": 20000}).x
    law = stats.skewnorm(*best)
    fits.append({"sample": sample.tolist(), "shape": best[0], "location": best[1], "scale": best[2],
                 "logLikelihood": float(law.logpdf(sample).sum()), "distance": float(stats.kstest(sample, law.cdf).statistic)})
pictures = []
for h, w in [(11, 11), (28, 28), (16, 20)]:
    a = np.round(rng.random((h, w)), 3)
    b = np.round(np.clip(a + 0.2 * rng.standard_normal((h, w)), 0, 1), 3)
    blur = lambda x: ndimage.gaussian_filter(x, 1.5, truncate=5 / 1.5)[5 : h - 5, 5 : w - 5]
    ma, mb = blur(a), blur(b)
    va, vb, cov = blur(a * a) - ma * ma, blur(b * b) - mb * mb, blur(a * b) - ma * mb
    value = ((2 * ma * mb + 1e-4) * (2 * cov + 9e-4) / ((ma * ma + mb * mb + 1e-4) * (va + vb + 9e-4))).mean()
    pictures.append({"height": h, "width": w, "a": a.ravel().tolist(), "b": b.ravel().tolist(), "ssim": float(value),
                     "psnr": float(10 * np.log10(1 / ((a - b) ** 2).mean()))})
a, b = np.round(rng.normal(1, 1, 60), 1), np.round(rng.normal(0, 1, 50), 1)
share = (a[:, None] > b[None, :]) + 0.5 * (a[:, None] == b[None, :])
auc = {"members": a.tolist(), "nonMembers": b.tolist(), "auc": float(share.mean()),
       "error": float(np.sqrt(share.mean(1).var(ddof=1) / len(a) + share.mean(0).var(ddof=1) / len(b)))}
out = {
    "source": "whole numbers, scipy %s, mpmath %s; tools/vectors/audits.py" % (__import__("scipy").__version__, mp.__version__),
    "tails": [{"trials": n, "k": k, "odds": o, "p": float(tail(n, k, o))} for n, k, o in tails],
    "oneRun": [{"canaries": m, "guesses": r, "correct": v, "odds": o, "delta": float(d), "p": float(one_run(m, r, v, o, Fraction(d)))}
               for m, r, v, o, d in runs],
    "intervals": [{"hits": k, "trials": n, "confidence": c,
                   "low": 0.0 if k == 0 else float(stats.beta.ppf((1 - c) / 2, k, n - k + 1)),
                   "high": 1.0 if k == n else float(stats.beta.ppf((1 + c) / 2, k + 1, n - k))} for k, n, c in intervals],
    "skewTails": [{"x": x, "shape": s, "log": float(skew_tail(mp.mpf(x), mp.mpf(s)))}
                  for x, s in [(0, 0), (-5, 0), (-12, 0), (-1, 3), (-4, 3), (-8, 2.5), (-3, -3), (-9, -20), (1, 5), (2.5, -1), (-1, 40), (0.5, 40)]],
    "fits": fits,
    "pictures": pictures,
    "auc": auc,
}
path = Path(__file__).resolve().parents[2] / "vectors" / "audits.json"
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(path.stat().st_size, "bytes")
