"""The cost of finding films of the same pictures among many.

    python benchmarks/alike.py [--films 100000]

Signatures of films of one minute to an hour that have nothing in common, and one in a hundred that
is a noisy copy of another. Needs nothing else; the memory is that of the process.
"""

import argparse
import random
import time

import psutil

from lvs.db.picture_signatures import SignatureRow
from lvs.services.media.picture_signature import PictureSignature, places
from lvs.services.media.signature_index import SignatureIndex

COMPARED = 200


def made_up(count: int) -> list[SignatureRow]:
    """So many signatures, every hundredth a copy of the one before with some bits of it wrong."""
    chance, rows, hashes = random.Random(1), [], dict[int, int]()
    duration_s = 0.0
    for number in range(1, count + 1):
        if number % 100:
            duration_s = chance.uniform(60, 3600)
            hashes = {at: chance.getrandbits(64) for at in places(duration_s)}
        else:
            hashes = {at: bits ^ 1 << chance.randrange(64) for at, bits in hashes.items()}
        rows.append(SignatureRow(number, duration_s, PictureSignature(duration_s, hashes).packed()))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=100_000)
    count = parser.parse_args().films
    rows = made_up(count)
    process = psutil.Process()
    before, start = process.memory_info().rss, time.process_time()
    index = SignatureIndex(rows)
    built_s, memory = time.process_time() - start, process.memory_info().rss - before
    wanted = random.Random(2).sample(range(1, count + 1), COMPARED)
    start = time.process_time()
    found = index.pairs(wanted)
    each_s = (time.process_time() - start) / COMPARED
    assert all(low % 100 == 99 and high == low + 1 for low, high, _ in found)
    size = sum(len(row.pictures) for row in rows) / count
    print("| films | bytes a film | index s | memory MB | a film against all ms | all films min |")
    print("| --- | --- | --- | --- | --- | --- |")
    print(
        f"| {count:,} | {size:.0f} | {built_s:.2f} | {memory / 1e6:.0f} | {each_s * 1000:.1f} |"
        f" {each_s * count / 60:.1f} |"
    )


if __name__ == "__main__":
    main()
