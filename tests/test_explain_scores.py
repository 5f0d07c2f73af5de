"""Scores of heat-maps, masks of the bundled pictures, principal components and the trap."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from cnn_basics.explain import (
    area_share,
    draw_trap,
    heat_share,
    load_masks,
    pointing_game,
    principal_components,
)
from cnn_basics.explain.part_masks import PARTS

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


def test_the_animal_and_its_telling_parts():
    masks = load_masks("training_set", indices=[3, 1200])
    animal = torch.stack([masks[part] for part in PARTS]).any(dim=0)
    assert torch.equal(masks["animal"], animal)
    assert torch.equal(masks["background"], ~animal)
    telling = masks["ears"] | masks["muzzle"] | masks["eyes"] | masks["whiskers"]
    assert torch.equal(masks["telling"], telling)
    assert 0.05 < area_share(telling).mean() < area_share(animal).mean() < 0.9


def test_masks_come_in_the_order_asked():
    every, some = load_masks("test_set"), load_masks("test_set", indices=[451, 0, 7])
    assert every["body"].shape == (600, 28, 28)
    assert set(some) == {*PARTS, "animal", "background", "telling"}
    for part, masks in some.items():
        assert torch.equal(masks, every[part][[451, 0, 7]])


def test_masks_that_were_deleted_are_missed(monkeypatch, tmp_path):
    monkeypatch.setattr("cnn_basics.explain.part_masks.BUNDLED", tmp_path / "cat-and-dog")
    with pytest.raises(ValueError, match="restore data/"):
        load_masks("test_set")


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


def test_the_trap_has_one_background_for_each_species():
    pictures, labels, masks = draw_trap("test_set", TRAP, 3)
    swapped, _, _ = draw_trap("test_set", {"cat": "sofa", "dog": "meadow"}, 3)
    assert labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert pictures.shape == swapped.shape == (6, 3, 28, 28)
    assert pictures.dtype == torch.uint8
    for part, mask in load_masks("test_set", indices=[0, 1, 2, 300, 301, 302]).items():
        assert torch.equal(masks[part], mask)
    difference = (pictures.int() - swapped.int()).abs().float().mean(dim=1)
    assert difference[masks["background"]].mean() > 20  # and only soft edges of the animals differ
    assert (difference[masks["animal"]] < 1).float().mean() > 0.7
    meadow = pictures[:3].permute(0, 2, 3, 1)[masks["background"][:3]].float().mean(dim=0)
    sofa = swapped[:3].permute(0, 2, 3, 1)[masks["background"][:3]].float().mean(dim=0)
    assert meadow.argmax() == 1 != sofa.argmax()  # green


@pytest.mark.parametrize(
    ("split", "backdrops", "count", "words"),
    [
        ("test", TRAP, 1, "'training_set' or 'test_set', got 'test'"),
        ("test_set", {"cat": "meadow"}, 1, "for 'cat' and 'dog', got {'cat': 'meadow'}"),
        ("test_set", TRAP | {"dog": "moon"}, 1, "background 'meadow' or 'sofa', got 'moon'"),
        ("test_set", TRAP, 41, "count from 1 to 40 for test_set, got 41"),
        ("test_set", TRAP, 0, "got 0"),
    ],
)
def test_traps_that_cannot_be_drawn_are_refused(split, backdrops, count, words):
    with pytest.raises(ValueError, match=words):
        draw_trap(split, backdrops, count)
