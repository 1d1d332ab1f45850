"""toy-crossview: that its two views are of one town, its geometry, and its known kinds of places."""

import numpy as np
import pytest
import torch

from sempal_lib.worlds import ToyCrossview
from sempal_lib.worlds.crossview.kinds import KINDS, TOWN_15
from sempal_lib.worlds.crossview.picture import Looks
from sempal_lib.worlds.crossview.style import Place
from sempal_lib.worlds.crossview.town import ACROSS, BEFORE, Town
from sempal_lib.worlds.crossview.views import NEAR, View, clipped

INDEX = {name: i for i, name in enumerate(TOWN_15.names)}
NAMES = list(KINDS)


def town(seed):
    return Town(np.random.default_rng(seed))


@pytest.fixture(scope="module")
def items():
    scenes = ToyCrossview(size=(32, 32))
    return [scenes[i] for i in range(150)]


def wedge(layouts):
    """Left and right share of each class over what the camera can see of aerial layouts, nearer places more, [N, 2, C].

    The camera stands in the middle of the breadth, `BEFORE` below the middle, and sees 42° to either side.
    """
    size = layouts.shape[-1]
    metres = (torch.arange(size) + 0.5) / size * ACROSS
    x, z = metres - ACROSS / 2, (ACROSS / 2 + BEFORE) - metres
    z = z[:, None]
    weight = ((z > 3) & (x.abs() < 0.9 * z)) / z.clamp(min=3)
    classes = torch.nn.functional.one_hot(layouts, len(INDEX)).float() * weight[..., None]
    sides = classes[:, :, : size // 2], classes[:, :, size // 2 :]
    return torch.stack([side.sum((1, 2)) for side in sides], 1) / weight.sum()


def halves(layouts):
    """Left and right share of each class over ground layouts, [N, 2, C]."""
    classes = torch.nn.functional.one_hot(layouts, len(INDEX)).float()
    width = layouts.shape[-1] // 2
    return torch.stack([classes[:, :, :width].mean((1, 2)), classes[:, :, width:].mean((1, 2))], 1)


def correlation(a, b):
    return torch.corrcoef(torch.stack([a, b]))[0, 1].item()


def test_what_the_air_shows_tells_what_the_street_shows(items):
    """Shares in the camera's wedge of the aerial layout go with those of the ground's; those of other scenes do not."""
    above = wedge(torch.stack([item["view"]["layout"] for item in items]))
    ground = halves(torch.stack([item["layout"] for item in items]))
    for name, least in (("building", 0.7), ("vegetation", 0.7), ("water", 0.5), ("terrain", 0.4), ("car", 0.3)):
        a, b = above[..., INDEX[name]], ground[..., INDEX[name]]
        assert correlation(a.sum(1), b.sum(1)) > least, name
        assert abs(correlation(a.sum(1).roll(1), b.sum(1))) < 0.25, name
    for name in ("building", "vegetation", "water"):
        a, b = (shares[:, 0, INDEX[name]] - shares[:, 1, INDEX[name]] for shares in (above, ground))
        assert correlation(a, b) > 0.4, name  # left is left


def test_both_pictures_share_their_paints_and_light(items):
    """Colour of roads, trees and the light as a whole."""
    for name in ("road", "vegetation"):
        seen = []
        for item in items:
            both = [(view["image"], view["layout"] == INDEX[name]) for view in (item, item["view"])]
            if all(mask.sum() > 40 for _, mask in both):
                seen.append([image[:, mask].mean().item() for image, mask in both])
        a, b = torch.tensor(seen).T
        assert correlation(a, b) > 0.5, name
        assert abs(correlation(a.roll(1), b)) < 0.35, name


def test_kinds_can_be_told(items):
    """Each kind of place has what it is called after, seen from above."""
    kinds = torch.tensor([item["style"]["scene_kind"] for item in items])
    layouts = torch.stack([item["view"]["layout"] for item in items])
    shares = torch.nn.functional.one_hot(layouts, len(INDEX)).float().mean((1, 2))
    mean = torch.stack([shares[kinds == kind].mean(0) for kind in range(len(KINDS))])
    assert NAMES[mean[:, INDEX["water"]].argmax()] == "waterfront"
    assert NAMES[mean[:, INDEX["vegetation"]].argmax()] == "woodland"
    assert NAMES[mean[:, INDEX["terrain"]].argmax()] == "farmland"
    assert NAMES[mean[:, INDEX["car"]].argmax()] == "shopping"
    assert NAMES[mean[:, INDEX["person"]].argmax()] == "market"
    assert NAMES[mean[:, INDEX["truck"]].argmax()] == "industrial"
    assert mean[NAMES.index("old town"), INDEX["building"]] > 0.3


def test_sky_is_seen_from_the_street_alone(items):
    assert all((item["view"]["layout"] != INDEX["sky"]).all() for item in items)
    assert all((item["layout"] == INDEX["sky"]).any() for item in items)


def test_a_place_is_where_its_projection_says():
    """Perspective by hand; and back from picture and key to the place, in both kinds of view."""
    eye = np.array([1.0, 2.0, 0.0])
    ahead, right, up = np.array([0.0, 0, 1]), np.array([1.0, 0, 0]), np.array([0.0, 1, 0])
    view = View(eye, right, up, ahead, 2.0, (0.5, 0.5), True)
    u, v, depth = view.projected(np.array([[3.0, 1.0, 4.0]]))
    assert (u[0], v[0], depth[0]) == pytest.approx((0.5 + 2 / 4 / 2, 0.5 + 1 / 4 / 2, 4))
    for view in town(3).views.values():
        places = np.array([[2.0, 0.0, 30.0], [-4.0, 3.0, 12.0]])
        u, v, depth = view.projected(places)
        key = 1 / depth if view.perspective else -depth
        assert view.places(u, v, key).T == pytest.approx(places, abs=1e-3)
        planes, faces = view.planes(np.array([[0.0, 1, 0], [0, -1, 0]]), np.array([[0.0, 0, 0], [0, 0, 0]]))
        assert faces.tolist() == [True, False]
        assert planes[0] @ [u[0], v[0], 1] == pytest.approx(key[0], rel=1e-5)


def test_polygons_are_cut_off_before_the_camera():
    square = np.array([[[0.0, 0, -1], [1, 0, -1], [1, 0, 3], [0, 0, 3]]])
    cut = clipped(square, square[..., 2])
    assert cut.shape == (1, 8, 3)
    assert cut[..., 2].min() == pytest.approx(NEAR)
    assert cut[..., 2].max() == 3
    assert set(np.unique(cut[..., 0]).tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("view", ["ground", "aerial"])
def test_what_is_seen_is_the_nearest(view):
    """Against a plain search: of all solids whose polygon holds the ray, the one with the highest key."""
    scene = town(5)
    sight = scene.sight(view, 32)
    size, (first, last) = sight.size, (scene.first_solid, scene.first_board)
    u, v, _ = sight.view.projected(scene.solids)
    _, faces = sight.view.planes(scene.normals, scene.solids[:, 0])
    _, _, depth = sight.view.projected(scene.solids)
    whole = faces & (depth.min(axis=1) > NEAR)
    wrong = seen = 0
    for row in range(5, size, 18):
        for column in range(5, size, 18):
            x, y = (column + 0.5) / size, (row + 0.5) / size
            a = np.stack([u - x, v - y], -1)
            turn = a[..., 0] * np.roll(a[..., 1], -1, 1) - a[..., 1] * np.roll(a[..., 0], -1, 1)
            holds = whole & ((turn > 1e-7).sum(1) * (turn < -1e-7).sum(1) == 0) & (np.abs(turn).max(1) > 1e-7)
            number = sight.canvas[row, column]
            if holds.any() and number < last:
                keys = sight.planes[first:last][holds] @ [x, y, 1]
                seen += 1
                wrong += sight.planes[number] @ [x, y, 1] < keys.max() * (1 - np.sign(keys.max()) * 1e-3)
    assert seen > 15
    assert wrong <= 0.1 * seen  # polygons' borders take a pixel more


def test_shadows_lie_away_from_the_sun():
    """Behind a tall house there is none of the sun's light, on the side of the sun there is."""
    scene = next(scene for scene in map(town, range(99)) if NAMES[scene.number] == "downtown")
    style = Place.sample(np.random.default_rng(0), scene.number)
    style.values.update(sun_elevation=30.0, sun_azimuth=90.0)
    looks = Looks(scene, style, np.random.default_rng(0))
    flat = (scene.solids[..., 1].min(1) > 8) & (scene.normals[:, 1] > 0.9)
    middle = scene.solids[flat][:, :4].mean(1)
    near = middle[(np.abs(middle[:, 0]) < 25) & (middle[:, 2] > 0) & (middle[:, 2] < 50)]
    assert len(near)
    above = looks.sunshine((near + np.array([0, 30, 0])).T.astype(np.float32))
    below = looks.sunshine((near * [1, 0, 1] + [0, 1, 0]).T.astype(np.float32))
    assert above.min() > 0.9
    assert below.max() < 0.1


def test_nothing_stands_where_the_camera_is():
    for seed in range(60):
        scene = town(seed)
        foot = scene.solids[scene.solids[..., 1].max(1) > 1]
        away = np.abs(foot - [scene.eye[0], 0, scene.eye[1]])
        assert (away[..., [0, 2]].max(-1) > 0.9).all()
