"""Speed and memory of the synthesizers at preset demo: `make bench`, or pytest tests/benchmarks (not in make test).

Each is measured in a process of its own, so that its peak of memory is its own. The features of the perceptual loss are
those of an untrained segmenter, which cost as much as a trained one's. CPU time is taken on a CPU, where other work may
run beside.
"""

import json
import resource
import subprocess
import sys
import time

import pytest

SYSTEMS = ("pix2pix", "pix2pixhd", "gaugan", "gaugan-vae")
WARM, STEPS = 3, 20


def measure(system):
    """What the process for one system does: prints seconds a step and peaks of memory, MiB, as JSON."""
    import torch

    from sempal_lib.image_gans import segmenter_features
    from sempal_lib.parameters import resolve
    from sempal_lib.segmentation import Segmenter, SegmenterSettings
    from sempal_lib.training import image_training, scene_set

    def peak():
        if torch.cuda.is_available():
            return torch.cuda.max_memory_allocated() / 2**20
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10

    def clock():
        if torch.cuda.is_available():
            torch.cuda.synchronize()
            return time.perf_counter()
        return time.process_time()

    p = resolve("07_painting_by_layout", {"preset": "demo", "train_scenes": 64, "val_scenes": 8})
    data = scene_set(p)
    eye = segmenter_features(Segmenter(SegmenterSettings.light(data.label_space.num_classes)))
    run = image_training(p, data, system, eye)
    before, taken = peak(), []
    for _ in range(WARM + STEPS):
        start = clock()
        run._train_step()
        taken.append(clock() - start)
    median = sorted(taken[WARM:])[STEPS // 2]
    weights = sum(x.numel() for x in run.generator.parameters())
    print(json.dumps({"seconds": median, "peak": peak(), "before": before, "weights": weights}))


@pytest.mark.parametrize("system", SYSTEMS)
def test_training_step(benchmark, capsys, system):
    def process():
        done = subprocess.run([sys.executable, __file__, system], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    found = benchmark.pedantic(process, rounds=1)
    benchmark.extra_info |= {"steps_per_second": round(1 / found["seconds"], 2), "peak_MiB": round(found["peak"])}
    with capsys.disabled():
        print(
            f"\n{system}, preset demo: {1 / found['seconds']:.2f} steps/s, peak {found['peak']:.0f} MiB, of which "
            f"{found['before']:.0f} before the first step; {found['weights']:,} weights of the generator"
        )


if __name__ == "__main__":
    measure(sys.argv[1])
