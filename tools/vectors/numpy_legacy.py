"""Writes vectors/numpy-legacy.json: draws of NumPy's legacy generator (numpy.random.RandomState), in one stream per seed."""
import json
import os

import numpy

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "vectors", "numpy-legacy.json")
HIGHS = (1, 2, 7, 100_000, 2**20, 2**31 + 1, 2**32)


def stream(seed):
    """An odd number of randn on purpose: the second of the last pair must still be there after other draws."""
    r = numpy.random.RandomState(seed)
    return {
        "seed": seed,
        "rand": r.rand(400).tolist(),
        "randn": r.randn(301).tolist(),
        "randint": [[high, int(r.randint(0, high, dtype=numpy.int64))] for high in HIGHS * 10],
        "randnAfter": r.randn(2).tolist(),
    }


source = "NumPy %s, numpy.random.RandomState" % numpy.__version__
content = {"source": source, "script": "tools/vectors/numpy_legacy.py", "streams": [stream(s) for s in (0, 1, 2**32 - 1)]}
with open(PATH, "w") as f:
    json.dump(content, f, separators=(",", ":"))
    f.write("\n")
print(os.path.getsize(PATH), "bytes")
