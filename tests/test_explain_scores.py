"""Scores of heat-maps, masks of the bundled pictures, principal components and the trap."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from cnn_basics.datasets import load_pets
from cnn_basics.explain import (
    area_share,
    draw_on,
    draw_trap,
    heat_share,
    load_masks,
    part_masks,
    pointing_game,
    principal_components,
)
from cnn_basics.pets import PARTS, draw_pet, picture_seed, shipped_pictures

TRAP = {"cat": "meadow", "dog": "sofa"}


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 8), st.integers(2, 9), st.integers(0, 99))
def test_scores_equal_loops(count, height, width, seed):
    torch.manual_seed(seed)
    heat = torch.randn(count, height, width, dtype=torch.float64)
    mask = torch.rand(count, height, width) > 0.6
    shares, hits, areas = heat_share(heat, mask), pointing_game(heat, mask), area_share(mask)
    for n in range(count):
        pixels = [
            (float(heat[n, i, j]), bool(mask[n, i, j])) for i in range(height) for j in range(width)
        ]
        positive = sum(max(value, 0) for value, _ in pixels)
        inside = sum(max(value, 0) for value, on in pixels if on)
        best = max(pixels, key=lambda pixel: pixel[0])
        assert hits[n] == (best[1] and best[0] > 0)
        assert areas[n].item() == pytest.approx(sum(on for _, on in pixels) / len(pixels))
        assert positive == 0 or shares[n].item() == pytest.approx(inside / positive)


def test_even_heat_scores_as_chance_does():
    mask = torch.rand(3, 6, 8) > 0.5
    torch.testing.assert_close(heat_share(torch.ones(3, 6, 8), mask), area_share(mask))


def test_a_picture_without_heat_has_no_share_and_no_hit():
    heat = torch.tensor([[[-1.0, 0.0]], [[-1.0, 2.0]]])
    mask = torch.tensor([[[True, True]], [[False, True]]])
    assert heat_share(heat, mask).isnan().tolist() == [True, False]
    assert pointing_game(heat, mask).tolist() == [False, True]


@pytest.mark.parametrize("score", [heat_share, pointing_game])
def test_heat_and_masks_that_do_not_fit_are_refused(score):
    mask = torch.ones(2, 28, 28, dtype=torch.bool)
    with pytest.raises(ValueError, match=r"\(2, 14, 14\): write enlarge\(heat, \(28, 28\)\)"):
        score(torch.ones(2, 14, 14), mask)
    with pytest.raises(TypeError, match="got float32: write mask > 0"):
        score(torch.ones(2, 28, 28), mask.float())
    with pytest.raises(ValueError, match=r"add the axis with mask\[None\]"):
        score(torch.ones(28, 28), mask[0])


def test_masks_belong_to_the_pictures_of_the_data_set():
    pictures, labels, _ = load_pets("test_set", size=64)
    indices = [0, 7, 299, 300, 451, 599]
    masks = load_masks("test_set", size=64, indices=indices)
    for place, index in enumerate(indices):
        species, number = ("cat", "dog")[labels[index]], 4001 + index % 300
        image, parts = draw_pet(species, picture_seed("test_set", species, number), 64, masks=True)
        difference = pictures[index].permute(1, 2, 0).int() - torch.from_numpy(image).int()
        assert difference.abs().max() <= 1
        for part in (*PARTS, "background"):
            assert torch.equal(masks[part][place], torch.from_numpy(parts[part]))


def test_the_animal_and_its_telling_parts():
    masks = load_masks("training_set", indices=[3, 1200])
    animal = torch.stack([masks[part] for part in PARTS]).any(dim=0)
    assert torch.equal(masks["animal"], animal)
    assert torch.equal(masks["background"], ~animal)
    telling = masks["ears"] | masks["muzzle"] | masks["eyes"] | masks["whiskers"]
    assert torch.equal(masks["telling"], telling)
    assert 0.05 < area_share(telling).mean() < area_share(animal).mean() < 0.9


def test_all_masks_of_a_split_in_order(monkeypatch):
    few = list(shipped_pictures("test_set"))[:4]
    monkeypatch.setattr(part_masks, "shipped_pictures", lambda split: iter(few))
    masks = load_masks("test_set")
    wanted = [("cat", 4001), ("cat", 4002), ("dog", 4001), ("dog", 4002)]
    for place, (species, number) in enumerate(wanted):
        seed = picture_seed("test_set", species, number)
        _, parts = draw_pet(species, seed, 28, masks=True)
        assert torch.equal(masks["body"][place], torch.from_numpy(parts["body"]))


def test_pictures_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match="from 0 to 599 for test_set, got 600"):
        load_masks("test_set", indices=[0, 600])
    with pytest.raises(ValueError, match="'training_set' or 'test_set', got 'test'"):
        load_masks("test")


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 20), st.integers(3, 9), st.integers(1, 3), st.integers(0, 99))
def test_principal_components_equal_those_of_scikit_learn(rows, columns, count, seed):
    torch.manual_seed(seed)
    x = torch.randn(rows, columns, dtype=torch.float64) @ torch.diag(
        torch.arange(1.0, columns + 1, dtype=torch.float64)
    )
    points, shares = principal_components(x, count)
    theirs = PCA(count, svd_solver="full").fit(x.numpy())
    np.testing.assert_allclose(shares, theirs.explained_variance_ratio_, atol=1e-10)
    expected = theirs.transform(x.numpy())
    signs = np.sign((expected * points.numpy()).sum(axis=0))
    np.testing.assert_allclose(points, expected * signs, atol=1e-8)


def test_the_sign_is_that_of_the_largest_entry():
    x = torch.tensor([[0.0, 0], [1, -3], [2, -6]], dtype=torch.float64)
    points, shares = principal_components(x, 1)
    assert points[0, 0] > points[1, 0] > points[2, 0]
    assert shares.tolist() == [pytest.approx(1.0)]
    torch.testing.assert_close(principal_components(x + 5, 1)[0], points)


@pytest.mark.parametrize(
    ("rows", "count", "words"),
    [
        (torch.rand(3, 4, 2), 2, r"got \(3, 4, 2\): write rows.flatten\(1\)"),
        (torch.rand(3, 4), 4, r"from 1 to 3 for rows \(3, 4\), got 4"),
        (torch.rand(3, 4), 0, "got 0"),
        (torch.ones(3, 4), 2, "expected rows that differ"),
    ],
)
def test_rows_that_have_no_such_components_are_refused(rows, count, words):
    with pytest.raises(ValueError, match=words):
        principal_components(rows, count)


@pytest.mark.parametrize("species", ["cat", "dog"])
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


def test_the_trap_has_one_background_for_each_species():
    pictures, labels, masks = draw_trap("test_set", TRAP, 3)
    swapped, _, _ = draw_trap("test_set", {"cat": "sofa", "dog": "meadow"}, 3)
    assert labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert pictures.shape == swapped.shape == (6, 3, 28, 28)
    assert pictures.dtype == torch.uint8
    assert masks["telling"].shape == (6, 28, 28)
    for number, species in enumerate(["cat"] * 3 + ["dog"] * 3):
        seed = picture_seed("test_set", species, 4001 + number % 3)
        for drawn, place in (
            (pictures, TRAP[species]),
            (swapped, TRAP["dog" if species == "cat" else "cat"]),
        ):
            image, parts = draw_on(species, seed, place)
            assert torch.equal(drawn[number], torch.from_numpy(image).permute(2, 0, 1))
            assert torch.equal(masks["animal"][number], ~torch.from_numpy(parts["background"]))


@pytest.mark.parametrize(
    ("split", "backdrops", "count", "words"),
    [
        ("test", TRAP, 1, "'training_set' or 'test_set', got 'test'"),
        ("test_set", {"cat": "meadow"}, 1, "for 'cat' and 'dog', got {'cat': 'meadow'}"),
        ("test_set", TRAP | {"dog": "moon"}, 1, "background of wall, .*, got 'moon'"),
        ("test_set", TRAP, 301, "count from 1 to 300 for test_set, got 301"),
        ("test_set", TRAP, 0, "got 0"),
    ],
)
def test_traps_that_cannot_be_drawn_are_refused(split, backdrops, count, words):
    with pytest.raises(ValueError, match=words):
        draw_trap(split, backdrops, count)
