"""Settings and reports of progressive training."""

from dataclasses import asdict, dataclass
from typing import NamedTuple

from torch import Tensor

# Settings that change how fast a result comes, but not the result.
RESULT_FREE = ("checkpoint_seconds", "report_steps", "compile", "channels_last")


class TrainingError(RuntimeError):
    """Training cannot go on; the message says at which step, why, and what is still good."""


@dataclass(frozen=True)
class StageSettings:
    batch_size: int = 16  # layouts a step, over all devices
    fade_images: int = 20_000  # real layouts shown while the new block fades in; the first stage has no fade
    hold_images: int = 20_000  # and after it


@dataclass(frozen=True)
class ProgressiveSettings:
    """How a layout GAN is trained. The defaults are the paper's; the switches are the rows of its Table 4."""

    stages: tuple[StageSettings, ...]  # from 4 px height, each twice the one before
    learning_rate: float = 1e-3  # of both networks
    betas: tuple[float, float] = (0.0, 0.99)  # of Adam
    penalty_weight: float = 10.0  # λ of the gradient penalty
    drift_weight: float = 1e-3  # of E[D(x)²], which keeps D's output near 0
    conditional_weight: float = 1.0  # of L_COND = L_ENT + L_SPR; 0 for a GAN that follows no palette
    matching_weight: float = 0.0  # of the direct matching of palettes: baseline 1
    multi_scale: bool = True  # L_COND at every stage's mask, not only at the last
    soft_real: bool = True  # soften real layouts; False: real ones stay hard, generated ones are Gumbel-sampled
    temperature: float = 1.0  # τ of the Gumbel-softmax
    palette_source: str = "mixture"  # "mixture", or "real": the palettes of the real layouts of the batch
    wide_share: float = 0.0  # of a batch: so many more layouts, for palettes that no scene has, which D does not see
    ema_images: int = 10_000  # half-life of the averaged generator, in layouts shown; 0: no averaging
    released: bool = False  # the release's kernel for softening, and its passes over the real layouts
    channels_last: bool = False  # memory format of both networks
    compile: bool = False  # torch.compile; not for the penalty's pass, which it cannot differentiate twice
    report_steps: int = 25  # steps between two reports; between them nothing waits for the device
    checkpoint_seconds: float = 60.0  # between two checkpoints
    seed: int = 0

    def __post_init__(self):
        if self.palette_source not in ("mixture", "real"):
            raise ValueError(f"palette_source={self.palette_source!r}: choose 'mixture' or 'real'")
        if not self.stages or any(s.batch_size < 1 or s.hold_images < s.batch_size for s in self.stages):
            raise ValueError("each stage needs a batch_size of at least 1 and hold_images of at least one batch")

    def phases(self) -> list["Phase"]:
        """Fading and holding, stage by stage; stage 0 only holds."""
        phases: list[Phase] = []
        for number, stage in enumerate(self.stages):
            if number and stage.fade_images:
                phases.append(Phase(number, True, max(1, stage.fade_images // stage.batch_size)))
            phases.append(Phase(number, False, max(1, stage.hold_images // stage.batch_size)))
        return phases


class Phase(NamedTuple):
    stage: int
    fading: bool
    steps: int


@dataclass(frozen=True, eq=False)
class Progress:
    """One report. Losses are means over the steps since the last one."""

    step: int  # steps done, over all stages
    steps: int  # steps of the whole training
    images: int  # real samples shown so far
    images_per_second: float
    losses: dict[str, float]  # by name: loss_g, loss_d, penalty, entropy, spread, …
    stage: int = 0  # of progressive training
    height: int = 0  # px, of that stage; 0 where there are no stages
    fade: float = 1.0  # α
    samples: Tensor | None = None  # at the end of a stage: layouts of fixed noise and palettes, int64 [16, H, W]

    def row(self) -> dict[str, float]:
        """The report as one flat row, for curves and tables."""
        facts = {k: v for k, v in asdict(self).items() if k not in ("losses", "samples")}
        return {**facts, **self.losses}
