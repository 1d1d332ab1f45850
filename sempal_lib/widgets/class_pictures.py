"""The class view: click a class of a layout, see what its own generator paints, and where the branches are believed."""

from collections.abc import Sequence

import ipywidgets as ipw
import torch
from torch import Tensor

from sempal_lib.labels import LabelSpace
from sempal_lib.pictures import FRAME_WIDTH, hex_colour
from sempal_lib.widgets.region_canvas import RegionCanvas
from sempal_lib.widgets.regions import check_start, outlined
from sempal_lib.widgets.shared import as_wide_as_a_frame, beside, is_static, linked_frames, paged, png_of

CLASSES = 6  # that get a page, where none are named


def show_classes(generator, layout, label_space: LabelSpace, classes: Sequence[str] | None = None):
    """The class view for a notebook: live, or frames where the environment has SEMPAL_STATIC=1.

    Args:
        generator: an `image_gans.LgganGenerator` with a local branch. layout: int64 [H, W], 255 for no class.
        classes: names of classes to have pages on a static page; None: the largest ones of the layout.
    Returns:
        A widget; as a cell's last line it shows itself.
    Raises:
        ValueError: a generator without a local branch, or of other classes; a layout of another size; a class that
            the layout has not. KeyError: unknown class name.
    Chapter: Local and global.
    """
    pictures = _Pictures(generator, layout, label_space)
    return class_frames(pictures, classes) if is_static() else ClassView(pictures)


class _Pictures:
    """All that the branches make of one layout, painted once.

    Attributes:
        layout: int64 [H, W]. shown: its classes, the largest first. own: of each class, [C, 3, H, W] in [-1, 1].
        others: by title, the weight map, the branches' pictures and the fused one, [3, H, W].
    """

    def __init__(self, generator, layout, label_space: LabelSpace):
        if not getattr(generator.settings, "local", False):
            raise ValueError("this generator has no local branch: take LGGAN in form s2, s3, s4 or s5")
        size = generator.settings.height, generator.settings.width
        self.label_space, self.layout = label_space, check_start(_Sized(generator, size), layout, label_space)
        given, training = self.layout[None].to(next(generator.parameters()).device), generator.training
        generator.eval()
        try:
            with torch.no_grad():
                parts, both = generator.branches(given), generator(given)
        finally:
            generator.train(training)
        self.own = parts.class_images[0].float().cpu()
        self.others = {"local picture": parts.local[0].clamp(-1, 1).cpu(), "global picture": parts.overall[0].cpu()}
        if parts.weights is not None:
            weight = parts.weights[0, :1].float().cpu()
            self.others = {"weight of the local picture": (2 * weight - 1).expand(3, -1, -1), **self.others}
        self.others["both, weighed"] = both[0].cpu()
        counts = self.layout[self.layout < label_space.num_classes].bincount(minlength=label_space.num_classes)
        self.shown = [c for c in counts.argsort(descending=True).tolist() if counts[c]]

    def of(self, index: int) -> Tensor:
        """The own picture of a class, by the number of its generator: classes may share the last one."""
        return self.own[min(index, len(self.own) - 1)]


class _Sized:
    """A generator with the size that `check_start` asks for."""

    def __init__(self, generator, size: tuple[int, int]):
        self.settings, self.size = generator.settings, size


def class_frames(pictures: _Pictures, classes: Sequence[str] | None = None) -> ipw.VBox:
    """A menu of classes, and the own picture of each beside the others: moves without a kernel."""
    space, layout = pictures.label_space, pictures.layout
    chosen = pictures.shown[:CLASSES] if classes is None else [space.index(name) for name in classes]
    absent = [space.names[c] for c in chosen if c not in pictures.shown]
    if absent:
        raise ValueError(f"the layout has no {absent[0]}: name classes that it has")
    others = [png_of(picture, space) for picture in pictures.others.values()]
    pages = []
    for c in chosen:
        where = png_of(outlined(layout, layout == c, FRAME_WIDTH, space), space)
        moving, titles = [png_of(pictures.of(c), space), *others], ["its own picture", *pictures.others]
        colour = hex_colour(space.colors[c])
        pages.append(ipw.VBox(linked_frames(titles, [moving, [where]], "what is painted", handle_color=colour)))
    menu, stack = paged([space.names[c] for c in chosen], pages)
    note = ipw.HTML("Frames that the trained model painted. With a running notebook you click any class of the layout.")
    return ipw.VBox([menu, stack, note])


class ClassView(ipw.VBox):
    """A layout to click on; beside it the picture of the class's own generator, and what became of all of them.

    Attributes:
        chosen: index of the class. canvas, menu: where it is chosen. images: by title.
    Chapter: Local and global.
    """

    def __init__(self, pictures: _Pictures):
        self._pictures, space = pictures, pictures.label_space
        rows, columns = pictures.layout.shape
        self.canvas = RegionCanvas(rows, columns, self._marked)
        self.canvas.layout = as_wide_as_a_frame()
        names = [(space.names[c], c) for c in pictures.shown]
        self.menu = ipw.Dropdown(options=names, description="class", layout=ipw.Layout(max_width=f"{FRAME_WIDTH}px"))
        self.images = {
            title: ipw.Image(format="png", layout=as_wide_as_a_frame()) for title in ("own", *pictures.others)
        }
        for title, picture in pictures.others.items():
            self.images[title].value = png_of(picture, space)
        self._title = ipw.HTML()
        boxes = [(self._title, self.images["own"])]
        boxes += [(ipw.HTML(title), self.images[title]) for title in pictures.others]
        stacks = [[ipw.HTML("click a class, or choose it"), self.canvas, self.menu], *([*box] for box in boxes)]
        super().__init__(children=[beside(*stacks)])
        self.menu.observe(lambda change: self.choose(change["new"]), "value")
        self.choose(pictures.shown[0])

    def choose(self, index: int) -> None:
        """Show a class of the layout. Raises ValueError for one that it has not."""
        space = self._pictures.label_space
        if index not in self._pictures.shown:
            raise ValueError(f"the layout has no class {index}: choose one of {self._pictures.shown}")
        self.chosen = self.menu.value = index
        self._title.value = f"own picture: {space.names[index]}"
        self.images["own"].value = png_of(self._pictures.of(index), space)
        layout = self._pictures.layout
        self.canvas.show(layout, layout == index, space)

    def _marked(self, region: Tensor) -> None:
        """The class that most of what was marked has; pixels of no class are none."""
        labels = self._pictures.layout[region]
        labels = labels[labels < self._pictures.label_space.num_classes]
        self.choose(int(labels.mode().values) if len(labels) else self.chosen)
