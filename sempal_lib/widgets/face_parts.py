"""Parts of a face behind the face editor: the classes of each, their shares of the frame, and what an edit adds."""

from collections.abc import Mapping

import torch
from torch import Tensor

from sempal_lib.labels import LabelSpace, known_labels

# What is not one class of its own name. The order is that of the editor's sliders; other classes follow.
_PARTS = {
    "hair": ("hair",), "hat": ("hat",), "glasses": ("eye_g",), "ear-rings": ("ear_r",), "brows": ("l_brow", "r_brow"),
    "eyes": ("l_eye", "r_eye"), "ears": ("l_ear", "r_ear"), "nose": ("nose",), "mouth": ("mouth",),
    "lips": ("u_lip", "l_lip"), "neck": ("neck",), "necklace": ("neck_l",), "cloth": ("cloth",), "skin": ("skin",),
}  # fmt: skip
# Who is painted where a part gives way, with which share of what it loses; else skin. Hair's is the paper's "bald".
_HEIRS = {
    "hair": {"skin": 0.75, "background": 0.25}, "hat": {"hair": 0.7, "background": 0.3}, "ear-rings": {"hair": 1.0},
    "necklace": {"neck": 1.0}, "neck": {"background": 1.0}, "cloth": {"background": 1.0}, "skin": {"background": 1.0},
}  # fmt: skip
LEAST = 0.001  # of the frame; the release drops smaller changes


def parts_of(label_space: LabelSpace) -> dict[str, list[int]]:
    """The parts that a person can ask for, by name, and the classes of each; background is none of them."""
    names = label_space.names
    found = {part: [names.index(n) for n in of if n in names] for part, of in _PARTS.items()}
    taken = {c for of in found.values() for c in of}
    others = {name: [c] for c, name in enumerate(names) if c not in taken and name != "background"}
    return {part: of for part, of in {**found, **others}.items() if of}


def shares_of(layout: Tensor, num_classes: int) -> Tensor:
    """Share of the frame of each class, float64 [C]; pixels of no class count in the frame, and for no class."""
    labels = known_labels(layout, num_classes).flatten()
    return torch.bincount(labels, minlength=num_classes + 1)[:num_classes].double() / layout.numel()


def check_wishes(wishes: Mapping[str, float], parts: Mapping[str, list[int]]) -> None:
    """Raise unless wishes name parts, and ask for shares that can be: KeyError, ValueError."""
    unknown = [name for name in wishes if name not in parts]
    if unknown:
        raise KeyError(f"a face has no {unknown[0]!r}; its parts are {', '.join(parts)}")
    for name, share in wishes.items():
        if not 0 <= share <= 1:
            raise ValueError(f"{name}: {share:.1%} of the frame cannot be: ask for 0 % to 100 %")
    total = sum(wishes.values())
    if total > 1 + 1e-9:
        asked = " + ".join(f"{name} {share:.1%}" for name, share in wishes.items() if share)
        raise ValueError(f"{asked} = {total:.1%} of the frame, expected at most 100 %: lower one of them")


def growth_of(wishes: Mapping[str, float], shares: Tensor, parts: Mapping[str, list[int]]) -> Tensor:
    """What has to be added that parts have at least the shares asked for.

    A part shares its growth among its classes in their present ratio. Less than `LEAST` is dropped.

    Args:
        wishes: share of the frame by name of a part. shares: what stands there, [C].
    Returns:
        Share of the frame to add of each class, float64 [C], ≥ 0.
    Source: Semantic Palette, §5.4. Chapter: Editing faces.
    """
    added = torch.zeros_like(shares)
    for part, wish in wishes.items():
        members, now = parts[part], float(shares[parts[part]].sum())
        if wish - now >= LEAST:
            ratio = shares[members] / now if now else torch.ones(len(members), dtype=shares.dtype) / len(members)
            added[members] += (wish - now) * ratio
    return added


def heirs_of(part: str, less: float, label_space: LabelSpace) -> Tensor:
    """What is added where a part gives way by a share of the frame: share of each class, float64 [C].

    Source: the edits of Semantic Palette's release. Chapter: Editing faces.
    """
    added = torch.zeros(label_space.num_classes, dtype=torch.float64)
    heirs = _HEIRS.get(part, {"skin": 1.0})
    for name in heirs.keys() & set(label_space.names):
        added[label_space.index(name)] = heirs[name] * less
    return added
