"""Saliency, Grad-CAM and occlusion against captum's, in float64; scores, masks and the trap."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cnn_basics.explain import (
    PARTS,
    area_share,
    covered_scores,
    draw_trap,
    enlarge,
    grad_cam,
    heat_share,
    load_masks,
    occlusion,
    pointing_game,
    saliency,
)

CASES = [  # height, width, channels, pictures
    (9, 12, 3, 4),
    (11, 8, 1, 1),
    (7, 7, 2, 3),
]


def make(height, width, channels, count, inplace=False):
    """A small network with random weights, random pictures, and one target for each."""
    torch.manual_seed(height * width)
    model = nn.Sequential(
        nn.Conv2d(channels, 4, 3, padding=1),
        nn.ReLU(inplace=inplace),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 5, 3, stride=1),
        nn.BatchNorm2d(5),
        nn.ReLU(inplace=inplace),
        nn.Flatten(),
        nn.Linear(5 * (height // 2 - 2) * (width // 2 - 2), 3),
    ).double()
    model[4].running_mean.uniform_(-0.2, 0.2)
    x = torch.randn(count, channels, height, width, dtype=torch.float64)
    return model.eval(), x, torch.randint(3, (count,))


def close_to_float32(ours, theirs):
    """captum adds up the drops of scores in float32, whatever the network's dtype."""
    assert ours.dtype == torch.float64
    torch.testing.assert_close(ours, theirs.double(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("case", CASES)
def test_saliency_equals_captums(case):
    from captum.attr import Saliency

    model, x, target = make(*case)
    theirs = Saliency(model).attribute(x.clone().requires_grad_(), target).amax(dim=1)
    ours = saliency(model, x, target)
    assert ours.shape == (case[3], *case[:2])
    torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=0)
    assert ours.max() > 1e-3


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("layer", ["0", "2", "3", "5"])
@pytest.mark.parametrize("case", CASES)
def test_grad_cam_equals_captums(case, layer, relu):
    from captum.attr import LayerAttribution, LayerGradCam

    model, x, target = make(*case)
    captum = LayerGradCam(model, model[int(layer)])
    theirs = captum.attribute(x.clone().requires_grad_(), target, relu_attributions=relu)
    ours = grad_cam(model, x, target, layer, relu=relu)
    torch.testing.assert_close(ours, theirs[:, 0], atol=1e-12, rtol=0)
    assert relu or ours.abs().max() > 1e-6
    large = LayerAttribution.interpolate(theirs, case[:2], "bilinear")
    torch.testing.assert_close(enlarge(ours, case[:2]), large[:, 0], atol=1e-12, rtol=0)


@pytest.mark.parametrize(("size", "stride"), [(1, 1), (3, 2), (4, 3), (5, 5), (7, 1)])
@pytest.mark.parametrize("fill", [0.0, 0.7, "channels"])
@pytest.mark.parametrize("case", CASES)
def test_occlusion_equals_captums(case, size, stride, fill):
    from captum.attr import Occlusion

    model, x, target = make(*case)
    given = torch.linspace(-1, 1, case[2], dtype=torch.float64) if fill == "channels" else fill
    baseline = given[None, :, None, None].expand_as(x) if fill == "channels" else given
    theirs = Occlusion(model).attribute(
        x, (case[2], size, size), (case[2], stride, stride), baseline, target
    )
    ours = occlusion(model, x, target, size, stride, given)
    close_to_float32(ours, theirs[:, 0])
    assert ours.abs().max() > 1e-3


def test_scores_under_the_square_by_hand():
    model, x, _ = make(9, 12, 3, 2)
    scores = covered_scores(model, x, size=4, stride=3, fill=0.2)
    assert scores.shape == (2, 3, 4, 3)
    for number, row, column in [(0, 0, 0), (1, 2, 1), (0, 1, 3), (1, 2, 3)]:
        covered = x[number : number + 1].clone()
        covered[:, :, 3 * row : 3 * row + 4, 3 * column : 3 * column + 4] = 0.2
        torch.testing.assert_close(scores[number, row, column], model(covered)[0])


def test_grad_cam_before_an_activation_in_place():
    plain, x, target = make(9, 12, 3, 4)
    inplace, _, _ = make(9, 12, 3, 4, inplace=True)
    for layer in ("0", "4"):
        ours = grad_cam(inplace, x, target, layer, relu=False)
        torch.testing.assert_close(ours, grad_cam(plain, x, target, layer, relu=False))


@pytest.mark.parametrize(
    "explain",
    [saliency, lambda *a: grad_cam(*a, "0"), lambda *a: occlusion(*a, size=4, stride=2)],
    ids=["saliency", "grad_cam", "occlusion"],
)
class TestEach:
    """What holds for all three."""

    def test_one_target_for_all_is_that_target_for_each(self, explain):
        model, x, _ = make(9, 12, 3, 4)
        assert torch.equal(explain(model, x, 2), explain(model, x, torch.full((4,), 2)))
        assert torch.equal(explain(model, x, 2), explain(model, x, torch.tensor(2)))

    def test_pictures_do_not_depend_on_each_other(self, explain):
        model, x, target = make(9, 12, 3, 4)
        torch.testing.assert_close(
            explain(model, x[2:3], target[2:3]), explain(model, x, target)[2:3]
        )

    def test_no_pictures_no_heat(self, explain):
        model, x, _ = make(9, 12, 3, 1)
        assert explain(model, x[:0], 0).shape == (0, 9, 12)

    def test_leaves_network_and_pictures_as_they_were(self, explain):
        model, x, target = make(9, 12, 3, 4)
        model = nn.Sequential(nn.Threshold(0.0, 9.0, inplace=True), *model).train()
        state = {k: v.clone() for k, v in model.state_dict().items()}
        before = x.clone()
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        heat = explain(model, x, target)
        assert model.training
        assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
        assert all(parameter.grad is None for parameter in model.parameters())
        assert not any(module._forward_hooks for module in model.modules())
        assert torch.equal(x, before)
        assert not x.requires_grad
        assert not heat.requires_grad

    @pytest.mark.parametrize(
        ("target", "error", "words"),
        [
            (3, ValueError, "expected target from 0 to 2, got 3"),
            (-1, ValueError, "target as a whole number from 0, got -1"),
            (torch.tensor([0, 1, 2, 5]), ValueError, "from 0 to 2, got 5"),
            (torch.tensor([0, 1]), ValueError, r"one target for each of 4 .* shape \(2,"),
            (torch.zeros(4), TypeError, r"int64, got .*: write target.long\(\)"),
            ("cat", TypeError, "got 'cat': write for example target=0"),
            (True, TypeError, "got True"),
        ],
    )
    def test_wrong_targets_are_refused(self, explain, target, error, words):
        model, x, _ = make(9, 12, 3, 4)
        with pytest.raises(error, match=words):
            explain(model, x, target)
        assert not any(module._forward_hooks for module in model.modules())

    def test_wrong_networks_and_pictures_are_refused(self, explain):
        model, x, _ = make(9, 12, 3, 4)
        with pytest.raises(ValueError, match=r"scores \(N, K\), got \(\d, 5, 2, 4\)"):
            explain(model[:5], x, 0)
        with pytest.raises(ValueError, match=r"add the batch axis with x\[None\]"):
            explain(model, x[0], 0)


@pytest.mark.parametrize(
    ("size", "stride", "error", "words"),
    [
        (0, 1, ValueError, "expected size as a whole number from 1, got 0"),
        (10, 1, ValueError, "inside 9×12 pixels, .* got size 10"),
        (3, 4, ValueError, "a stride of at most its size, got size 3 and stride 4"),
        (2.0, 1, TypeError, "size as a whole number from 1, got 2.0"),
        (2, True, TypeError, "stride as a whole number from 1, got True"),
    ],
)
def test_wrong_squares_are_refused(size, stride, error, words):
    model, x, target = make(9, 12, 3, 4)
    with pytest.raises(error, match=words):
        occlusion(model, x, target, size, stride)
    with pytest.raises(ValueError, match=r"one number or \(3,\), got .* of shape \(2,\)"):
        occlusion(model, x, target, 3, 2, torch.zeros(2))


def test_enlarging_is_pytorchs_and_refuses_other_axes():
    heat = torch.rand(2, 3, 4)
    wanted = F.interpolate(heat[None], (6, 9), mode="bilinear")[0]
    assert torch.equal(enlarge(heat, (6, 9)), wanted)
    with pytest.raises(ValueError, match=r"\(3, 4\): add the axis of the pictures"):
        enlarge(heat[0], (6, 9))


class Forward(nn.Module):
    """A network whose forward pass is a function of its modules."""

    def __init__(self, forward, **modules):
        super().__init__()
        for name, module in modules.items():
            setattr(self, name, module)
        self.function = forward

    def forward(self, x):
        return self.function(self, x)


def frozen(net, x):
    with torch.no_grad():
        maps = net.conv(x)
    return net.head(maps)


def head(channels):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 2))


REFUSED = [
    (lambda net, x: net.head(net.pair(x)[0]), "pair", ValueError, "got a tuple from `pair`"),
    (lambda net, x: net.head(net.named(x)["m"]), "named", ValueError, "got a dict from `named`"),
    (frozen, "conv", ValueError, "a gradient for the maps of `conv`, got none"),
    (lambda net, x: net.head(x), "conv", ValueError, "nothing: it did not run from `conv`"),
    (lambda net, x: net.head(x), "head.1", ValueError, r"of shape \(2, 3\) from `head\.1`"),
    (lambda net, x: net.head(x), "9", ValueError, r"\(pair, .*\), got '9': name one"),
    (lambda net, x: net.head(x), "", ValueError, "got ''"),
    (lambda net, x: (net.conv(x), net.head(x))[1], "conv", ValueError, "maps of `conv`, got none"),
    (lambda net, x: net.head(x), ["conv"], TypeError, r"name of a layer .*, got \['conv'\]: name"),
]


@pytest.mark.parametrize(("forward", "layer", "error", "words"), REFUSED)
def test_layers_without_maps_or_gradients_are_refused(forward, layer, error, words):
    named = Forward(lambda net, x: {"m": x})
    pair, conv = nn.MaxPool2d(2, return_indices=True), nn.Conv2d(3, 3, 3)
    model = Forward(forward, pair=pair, named=named, conv=conv, head=head(3))
    with pytest.raises(error, match=words):
        grad_cam(model, torch.rand(2, 3, 8, 8), 0, layer)
    assert not any(module._forward_hooks for module in model.modules())
    if forward is frozen:
        with pytest.raises(ValueError, match="a gradient for the pixels, got none"):
            saliency(model, torch.rand(2, 3, 8, 8), 0)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
def test_where_gradients_are_switched_off():
    model, x, target = make(9, 12, 3, 4)
    wanted = saliency(model, x, target)
    with torch.inference_mode():
        torch.testing.assert_close(saliency(model, x.clone(), target), wanted)
        made = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
        with pytest.raises(ValueError, match=r"made outside torch\.inference_mode, got one made"):
            saliency(made, torch.zeros(1, 3, 2, 2), 0)
    torch.testing.assert_close(saliency(torch.jit.script(model), x, target), wanted)
    with pytest.raises(TypeError, match="got the TorchScript layer `model`"):
        grad_cam(torch.jit.script(model), x, target, "0")


def test_occlusion_needs_little_memory():
    code = (
        "import resource, torch; from torch import nn; from cnn_basics.explain import occlusion\n"
        "used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "net, before = nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.LazyLinear(2)), used()\n"
        "occlusion(net, torch.rand(1, 3, 128, 128), 0, 8, 1); print(used() - before)"
    )
    line = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=True)
    assert int(done.stdout) < 150  # megabytes; the masks alone would take 240


TRAP = {"cat": "meadow", "dog": "sofa"}


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 8), st.integers(2, 9), st.integers(0, 99))
def test_scores_equal_loops(count, height, width, seed):
    torch.manual_seed(seed)
    heat = torch.randn(count, height, width, dtype=torch.float64)
    mask = torch.rand(count, height, width) > 0.6
    torch.testing.assert_close(heat_share(torch.ones_like(heat), mask), area_share(mask).double())
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
    with pytest.raises(TypeError, match=r"got a float32 tensor .*: write mask > 0"):
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
    monkeypatch.setattr("cnn_basics.explain.BUNDLED", tmp_path / "cat-and-dog")
    with pytest.raises(ValueError, match="restore data/"):
        load_masks("test_set")


def test_pictures_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match="from 0 to 599 for test_set, got 600"):
        load_masks("test_set", indices=[0, 600])
    with pytest.raises(ValueError, match="'training_set' or 'test_set', got 'test'"):
        load_masks("test")


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
