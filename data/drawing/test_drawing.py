"""The drawn cats and dogs: pictures, masks, what tells the species, and the bundled files."""

from __future__ import annotations

import dataclasses
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import stats
from sklearn.linear_model import LogisticRegression

from . import (
    COUNTS,
    PARTS,
    SHIPPED_SIZE,
    collection,
    draw_on,
    draw_pet,
    picture_seed,
    scene_of,
    sheets,
    shipped_pictures,
)
from .__main__ import main, parse
from .canvas import Frame
from .picture import grade, render
from .shapes import Blend, Ellipse, Polygon, Stroke, curve, smoothstep

DATA = Path(__file__).resolve().parents[1]
ROOT = DATA / "cat-and-dog"
SPECIES = ("cat", "dog")
SPECIES_PARTS = ("ears", "eyes", "nose", "muzzle", "mouth", "whiskers")
FACE = ("ears", "eyes", "nose", "muzzle", "mouth", "whiskers", "head")
pets = pytest.mark.parametrize("species", SPECIES)


def stored(picture: collection.ShippedPicture) -> np.ndarray:
    with Image.open(ROOT / picture.path) as file:
        assert file.mode == "RGB"
        return np.array(file)


# One picture


@pets
@pytest.mark.parametrize("size", [16, 28, 65])
def test_shape_type_and_repeatability(species, size):
    image = draw_pet(species, 11, size)
    again, parts = draw_pet(species, np.int64(11), np.int32(size), masks=True)
    assert image.shape == (size, size, 3)
    assert image.dtype == np.uint8
    assert np.array_equal(image, again)
    assert tuple(parts) == (*PARTS, "background")
    assert {(m.shape, m.dtype.name) for m in parts.values()} == {((size, size), "bool")}


def test_default_size_is_128():
    assert draw_pet("cat", 0).shape == (128, 128, 3)


def test_other_seeds_give_other_pictures():
    pictures = {draw_pet(species, seed, 32).tobytes() for species in SPECIES for seed in range(40)}
    assert len(pictures) == 80


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("bird", 1, 64), ValueError, "'bird': use one of these"),
        (("cats", 1, 64), ValueError, "'cat' or 'dog', got 'cats'"),
        ((["cat"], 1, 64), ValueError, "got ['cat']"),
        (("cat", -1, 64), ValueError, "seed as a whole number of 0 or more, got -1"),
        (("cat", 1.0, 64), TypeError, "seed as a whole number of 0 or more, got 1.0"),
        (("cat", True, 64), TypeError, "seed as a whole number of 0 or more, got True"),
        (("cat", None, 64), TypeError, "seed as a whole number of 0 or more, got None"),
        (("dog", 1, 15), ValueError, "size as a whole number of 16 or more, got 15"),
        (("dog", 1, 64.0), TypeError, "size as a whole number of 16 or more, got 64.0"),
        (("dog", 1, (64, 64)), TypeError, "size as a whole number of 16 or more, got (64, 64)"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        draw_pet(*arguments)


# Masks


@pets
def test_background_is_all_that_is_not_animal(species):
    for seed in range(30):
        _, parts = draw_pet(species, seed, 48, masks=True)
        animal = np.logical_or.reduce([parts[name] for name in PARTS])
        assert np.array_equal(parts["background"], ~animal)
        assert parts["background"].any()


@pets
def test_background_shows_the_empty_scene_and_the_animal_does_not(species):
    for seed in range(30):
        image, parts = draw_pet(species, seed, 48, masks=True)
        scene = scene_of(seed)
        empty = grade(render(scene, None, 48).rgb, scene)
        changed = np.abs(image.astype(int) - empty).max(axis=2) > 0
        assert not changed[parts["background"]].any()
        assert changed[~parts["background"]].mean() > 0.9


@pets
def test_parts_lie_where_they_belong(species):
    for seed in range(40):
        _, parts = draw_pet(species, seed, 64, masks=True)
        assert not (parts["eyes"] & ~parts["head"]).any()
        assert not (parts["muzzle"] & ~parts["head"]).any()
        assert not (parts["nose"] & ~parts["muzzle"]).any()
        assert not (parts["mouth"] & ~parts["muzzle"]).any()
        assert (parts["eyes"] & parts["nose"]).sum() <= 3  # soft edges may touch


@pets
def test_the_face_can_always_be_seen(species):
    for picture in list(shipped_pictures("training_set"))[:120]:
        _, parts = draw_pet(species, picture.seed, 64, masks=True)
        assert all(parts[name].any() for name in FACE), picture
        assert parts["head"].mean() > 0.08, picture


@pets
def test_a_body_is_in_nearly_every_picture(species):
    seen = [draw_pet(species, seed, 32, masks=True)[1]["body"].any() for seed in range(60)]
    assert all(seen)


@pets
def test_what_stands_in_front_hides_parts(species):
    seeds = [seed for seed in range(80) if scene_of(seed).setting.occluder == "box"]
    assert seeds
    for seed in seeds:
        _, parts = draw_pet(species, seed, 64, masks=True)
        assert parts["background"][-1].all()


@pets
def test_masks_have_the_same_geometry_at_every_size(species):
    for seed in range(10):
        centres = []
        for size in (48, 96):
            head = draw_pet(species, seed, size, masks=True)[1]["head"]
            centres.append((np.argwhere(head).mean(axis=0) + 0.5) / size)
        assert np.abs(centres[0] - centres[1]).max() < 0.01


@pets
def test_the_face_is_in_order(species):
    def centre(mask):
        return np.argwhere(mask).mean(axis=0)

    for seed in range(40):
        _, parts = draw_pet(species, seed, 64, masks=True)
        middle = {name: centre(parts[name]) for name in FACE}
        assert middle["eyes"][0] < middle["nose"][0] < middle["mouth"][0], seed
        apart = np.abs(middle["whiskers"] - middle["muzzle"]).max()
        assert apart < 0.4 * 64 * scene_of(seed).pose.unit, seed


# What tells a cat from a dog


def test_same_seed_differs_only_where_species_show():
    for seed in range(40):
        (cat, of_cat), (dog, of_dog) = (draw_pet(s, seed, 64, masks=True) for s in SPECIES)
        differs = (cat != dog).any(axis=2)
        allowed = np.logical_or.reduce([m[p] for m in (of_cat, of_dog) for p in SPECIES_PARTS])
        assert differs.any()
        assert not (differs & ~allowed).any(), seed


def test_cats_have_upright_ears_and_long_whiskers():
    ears, whiskers = {}, {}
    for species in SPECIES:
        masks = [draw_pet(species, seed, 64, masks=True)[1] for seed in range(40)]
        ears[species] = np.mean([np.argwhere(m["ears"])[:, 0].mean() for m in masks])
        whiskers[species] = np.mean([m["whiskers"].sum() for m in masks])
    assert ears["cat"] + 8 < ears["dog"]  # rows count downwards
    assert whiskers["cat"] > 3 * whiskers["dog"]


def test_dogs_have_the_larger_muzzle():
    for seed in range(40):
        areas = [draw_pet(s, seed, 64, masks=True)[1]["muzzle"].sum() for s in SPECIES]
        assert areas[1] > 1.3 * areas[0], seed


def test_nothing_else_tells_shipped_cats_from_dogs():
    numbers, words = {s: [] for s in SPECIES}, {s: [] for s in SPECIES}
    for picture in shipped_pictures():
        scene = scene_of(picture.seed)
        flat = [v for part in dataclasses.astuple(scene) for v in part]
        numbers[picture.species].append([v for v in flat if isinstance(v, float)])
        numbers[picture.species][-1] += [c for v in flat if _is_colour(v) for c in v]
        words[picture.species].append([v for v in flat if isinstance(v, str)])
    cats, dogs = (np.array([row[:14] for row in numbers[s]]) for s in SPECIES)
    levels = [stats.ks_2samp(cats[:, i], dogs[:, i]).pvalue for i in range(14)]
    for cat, dog in zip(
        zip(*words["cat"], strict=True), zip(*words["dog"], strict=True), strict=True
    ):
        names = sorted(set(cat) | set(dog))
        table = [[column.count(name) for name in names] for column in (cat, dog)]
        levels.append(stats.chi2_contingency(table).pvalue)
    assert len(levels) == 19
    assert min(levels) > 0.01 / len(levels)


def _is_colour(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 3 and isinstance(value[0], float)


def histogram(pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([np.histogram(c, 8, (0, 256))[0] / len(c) for c in pixels.T])


def accuracy_of(features: np.ndarray, labels: np.ndarray) -> float:
    """Test accuracy of logistic regression, first two thirds against the last third."""
    cut = 2 * len(labels) // 3
    fit = LogisticRegression(C=10, max_iter=1000).fit(features[:cut], labels[:cut])
    return fit.score(features[cut:], labels[cut:])


def test_colours_of_the_background_do_not_tell_the_species():
    pictures = list(shipped_pictures("training_set"))[:360]
    features = []
    for picture in pictures:
        image, parts = draw_pet(picture.species, picture.seed, 24, masks=True)
        features.append(histogram(image[parts["background"]]))
    labels = np.array([picture.species == "dog" for picture in pictures])
    assert 0.4 < accuracy_of(np.array(features), labels) < 0.6


def test_colours_of_the_whole_picture_do_not_tell_the_species():
    pictures = list(shipped_pictures("training_set"))
    images = [stored(picture).reshape(-1, 3) for picture in pictures]
    labels = np.array([picture.species == "dog" for picture in pictures])
    assert accuracy_of(np.array([histogram(image) for image in images]), labels) < 0.6
    means = np.array([image.mean(axis=0) for image in images])
    for channel in range(3):
        assert stats.ks_2samp(means[labels, channel], means[~labels, channel]).pvalue > 0.01


# The bundled files


def test_drawing_again_gives_the_stored_pixels():
    pictures = list(shipped_pictures())
    sample = [p for p in pictures if p.number % 11 == 0]
    assert len(sample) >= 200
    assert len({(p.split, p.species) for p in sample}) == 4
    for picture in sample:
        expected = stored(picture).astype(int)
        drawn = draw_pet(picture.species, picture.seed, SHIPPED_SIZE)
        assert np.abs(drawn - expected).max() <= 1, picture
        assert (expected % 3 == 0).all()


def test_the_folder_holds_the_pictures_and_nothing_else():
    expected = {ROOT / picture.path for picture in shipped_pictures()}
    found = {path for path in ROOT.rglob("*") if path.is_file()}
    assert found == expected
    assert sum(path.stat().st_size for path in found) < 12_000_000
    assert COUNTS["training_set"] >= 400
    assert COUNTS["test_set"] >= 200


def test_every_stored_picture_is_different_and_of_the_right_size():
    images = [stored(picture) for picture in shipped_pictures()]
    assert {image.shape for image in images} == {(SHIPPED_SIZE, SHIPPED_SIZE, 3)}
    assert len({image.tobytes() for image in images}) == len(images)


def test_layout_is_that_of_the_kaggle_set():
    first = next(shipped_pictures("test_set"))
    assert first.path.as_posix() == "test_set/test_set/cats/cat.4001.png"
    last = list(shipped_pictures("training_set"))[-1]
    assert last.path.as_posix() == "training_set/training_set/dogs/dog.1000.png"


def test_no_two_pictures_share_a_seed():
    pictures = list(shipped_pictures())
    assert len({picture.seed for picture in pictures}) == len(pictures) == 2600
    assert picture_seed("training_set", "cat", 1) == 2
    assert picture_seed("test_set", "dog", 4001) == 8003


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "cat", 1), "'training_set' or 'test_set', got 'train'"),
        (("test_set", "cats", 4001), "'cat' or 'dog', got 'cats'"),
        (("test_set", "cat", 1), "from 4001 to 4300 in test_set, got 1"),
        (("training_set", "dog", 1001), "from 1 to 1000 in training_set, got 1001"),
        (("training_set", "dog", 0), "got 0"),
        (("training_set", "dog", 1.5), "got 1.5"),
    ],
)
def test_pictures_that_are_not_there_are_refused(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        picture_seed(*arguments)


def test_unknown_split_is_refused():
    with pytest.raises(ValueError, match="got 'both'"):
        list(shipped_pictures("both"))


def test_command_writes_the_files(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(collection.COUNTS, "training_set", 3)
    monkeypatch.setitem(collection.COUNTS, "test_set", 1)
    main(["--output", str(tmp_path)])
    assert "wrote 8 pictures" in capsys.readouterr().out
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.png"))
    pictures = [Path("cat-and-dog", picture.path) for picture in shipped_pictures()]
    written_sheets = [path for path in written if path.parts[0] != "cat-and-dog"]
    assert sorted((*pictures, *written_sheets)) == written
    assert len(written_sheets) == 26
    for path in written:
        assert (tmp_path / path).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    for path in pictures:
        with Image.open(tmp_path / path) as new, Image.open(DATA / path) as old:
            assert np.array_equal(np.array(new), np.array(old))


def test_command_explains_itself(capsys):
    with pytest.raises(SystemExit) as stop:
        parse(["--help"])
    assert stop.value.code == 0
    assert "--output" in capsys.readouterr().out
    assert parse([]).output == DATA


def test_command_refuses_a_file_as_output(tmp_path, capsys):
    (tmp_path / "pictures").write_text("not a folder")
    with pytest.raises(SystemExit) as stop:
        main(["--output", str(tmp_path / "pictures")])
    assert stop.value.code == 2
    assert "expected a folder as --output, got the file" in capsys.readouterr().err


def test_drawing_needs_neither_torch_nor_matplotlib():
    code = (
        "import sys, data.drawing as p; p.draw_pet('cat', 1, 32);"
        "print([m for m in ('torch', 'matplotlib', 'scipy', 'sklearn') if m in sys.modules])"
    )
    said = {"cwd": DATA.parent, "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, "-c", code], check=True, timeout=120, **said)
    assert done.stdout.strip() == "[]"


# What lesson 10 reads


def sheet(path: str) -> np.ndarray:
    with Image.open(DATA / path) as file:
        pixels = np.asarray(file)
    return pixels.reshape(-1, 28, 28, *pixels.shape[2:])


@pytest.mark.parametrize("split", COUNTS)
@pets
def test_the_masks_are_those_of_the_pictures(split, species):
    pictures = [picture for picture in shipped_pictures(split) if picture.species == species]
    first = SPECIES.index(species) * COUNTS[split]
    for part in PARTS:
        stored_masks = sheet(f"parts/{split}.{part}.png")
        assert stored_masks.shape == (2 * COUNTS[split], 28, 28)
        assert stored_masks.dtype == bool
    for place in range(0, COUNTS[split], 37):
        _, masks = draw_pet(species, pictures[place].seed, 28, masks=True)
        for part in PARTS:
            assert np.array_equal(sheet(f"parts/{split}.{part}.png")[first + place], masks[part])


@pytest.mark.parametrize("split", COUNTS)
@pets
def test_the_trap_holds_the_first_of_a_split_on_both_backgrounds(split, species):
    pictures = [picture for picture in shipped_pictures(split) if picture.species == species]
    for backdrop in sheets.PLACES:
        trap = sheet(f"clever-hans/{split}.{species}.{backdrop}.png")
        assert len(trap) == sheets.TRAP[split]
        for place in (0, 1, len(trap) - 1):
            drawn, _ = draw_on(species, pictures[place].seed, backdrop)
            assert np.array_equal(trap[place], drawn)


def test_there_are_no_other_sheets_and_they_are_small():
    found = [path for name in ("parts", "clever-hans") for path in (DATA / name).iterdir()]
    assert len(found) == len(COUNTS) * (len(PARTS) + len(SPECIES) * len(sheets.PLACES))
    assert sum(path.stat().st_size for path in found) < 1_500_000


@pets
def test_only_the_background_of_a_picture_is_changed(species):
    plain, masks = draw_pet(species, 4, 40, masks=True)
    meadow, parts = draw_on(species, 4, "meadow", 40)
    sofa, _ = draw_on(species, 4, "sofa", 40)
    assert all(np.array_equal(masks[part], parts[part]) for part in masks)
    inside = ~masks["background"]
    for drawn in (meadow, sofa):  # soft edges are mixed with what lies behind
        difference = np.abs(drawn[inside].astype(int) - plain[inside]).max(axis=1)
        assert np.mean(difference <= 1) > 0.7
    behind = masks["background"]
    assert np.abs(meadow[behind].astype(int) - sofa[behind]).mean() > 20


def test_an_unknown_background_is_refused():
    with pytest.raises(ValueError, match=r"background of wall, .*, got 'moon'"):
        draw_on("dog", 1, "moon")


# Shapes

coordinate = st.floats(-3, 3)


@given(coordinate, coordinate)
@settings(deadline=None, max_examples=60, derandomize=True, database=None)
def test_distances_agree_with_the_plain_formulas(x, y):
    points = np.array([x]), np.array([y])
    from_origin = math.hypot(x, y)
    assert Ellipse(0, 0, 1.5, 1.5).distance(*points)[0] == pytest.approx(
        from_origin - 1.5, abs=1e-5
    )
    to_line = math.hypot(x - min(max(x, -1), 1), y)
    line = Stroke(((-1, 0, 0.25), (1, 0, 0.25)))
    assert line.distance(*points)[0] == pytest.approx(to_line - 0.25, abs=1e-9)
    outside = math.hypot(max(abs(x) - 1, 0), max(abs(y) - 1, 0))
    inside = min(max(abs(x), abs(y)) - 1, 0)
    square = Polygon(((-1, -1), (1, -1), (1, 1), (-1, 1)), 0.1)
    assert square.distance(*points)[0] == pytest.approx(outside + inside - 0.1, abs=1e-9)


@given(coordinate, coordinate)
@settings(deadline=None, max_examples=60, derandomize=True, database=None)
def test_a_blend_holds_both_shapes_and_its_circle_holds_the_blend(x, y):
    points = np.array([x]), np.array([y])
    shapes = Ellipse(-0.5, 0, 0.8, 0.4, 0.3), Ellipse(0.6, 0.2, 0.3, 0.9)
    blend = Blend(shapes, 0.3)
    distance = blend.distance(*points)[0]
    assert distance <= min(shape.distance(*points)[0] for shape in shapes)
    cx, cy, reach = blend.bounds()
    assert distance > 0 or math.hypot(x - cx, y - cy) <= reach


@given(coordinate, coordinate, st.floats(-3, 3), st.sampled_from([1.0, -1.0]))
@settings(deadline=None, max_examples=60, derandomize=True, database=None)
def test_a_frame_goes_there_and_back(x, y, angle, mirror):
    frame = Frame(0.4, 0.6, angle, 0.3, mirror)
    there = frame.picture(x, y)
    back = frame.local(np.array(there[0]), np.array(there[1]))
    assert (back[0], back[1]) == pytest.approx((x, y), abs=1e-9)


def test_a_stroke_needs_two_points():
    with pytest.raises(ValueError, match="at least two points"):
        Stroke(((0, 0, 1),)).distance(np.zeros(1), np.zeros(1))


def test_a_curve_ends_where_it_should():
    points = curve((0, 0), (1, 2), (2, 0), (0.2, 0.1)).points
    assert points[0] == (0, 0, 0.2)
    assert points[-1] == pytest.approx((2, 0, 0.1))
    assert points[3] == pytest.approx((1, 1, 0.15))


def test_smoothstep_rises_from_0_to_1():
    assert smoothstep(1.0, 3.0, np.array([0.0, 1.0, 2.0, 3.0, 4.0])).tolist() == [0, 0, 0.5, 1, 1]
