"""Saliency, Grad-CAM and occlusion against captum's, in float64; scores, masks and the trap."""

from functools import partial

import numpy as np
import pytest
import torch
from captum.attr import LayerAttribution, LayerGradCam, Occlusion, Saliency
from hypothesis import given, settings
from hypothesis import strategies as st
from refusing import refusing
from torch import nn
from zoo import Calls, run_alone, unchanged

from cnn_basics import explain as ours

CASES = [(9, 12, 3, 4), (11, 8, 1, 1), (7, 7, 2, 3)]  # height, width, channels, pictures


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


@pytest.mark.parametrize("case", CASES)
class TestEqualToCaptum:
    def test_saliency(self, case):
        model, x, target = make(*case)
        theirs = Saliency(model).attribute(x.clone().requires_grad_(), target).amax(dim=1)
        found = ours.saliency(model, x, target)
        torch.testing.assert_close(found, theirs, atol=1e-12, rtol=0)
        assert found.max() > 1e-3

    @pytest.mark.parametrize("relu", [True, False])
    @pytest.mark.parametrize("layer", ["0", "2", "3", "5"])
    def test_grad_cam(self, case, layer, relu):
        model, x, target = make(*case)
        captum = LayerGradCam(model, model[int(layer)])
        theirs = captum.attribute(x.clone().requires_grad_(), target, relu_attributions=relu)
        found = ours.grad_cam(model, x, target, layer, relu=relu)
        torch.testing.assert_close(found, theirs[:, 0], atol=1e-12, rtol=0)
        assert relu or found.abs().max() > 1e-6
        large = LayerAttribution.interpolate(theirs, case[:2], "bilinear")
        torch.testing.assert_close(ours.enlarge(found, case[:2]), large[:, 0], atol=1e-12, rtol=0)

    @pytest.mark.parametrize(("size", "stride"), [(1, 1), (3, 2), (4, 3), (5, 5), (7, 1)])
    @pytest.mark.parametrize("fill", [0.0, 0.7, "channels"])
    def test_occlusion(self, case, size, stride, fill):
        model, x, target = make(*case)
        given = torch.linspace(-1, 1, case[2], dtype=torch.float64) if fill == "channels" else fill
        baseline = given[None, :, None, None].expand_as(x) if fill == "channels" else given
        window, step = (case[2], size, size), (case[2], stride, stride)
        theirs = Occlusion(model).attribute(x, window, step, baseline, target)[:, 0]
        found = ours.occlusion(model, x, target, size, stride, given)
        assert found.dtype == torch.float64
        torch.testing.assert_close(found, theirs.double(), atol=1e-6, rtol=0)  # captum adds float32
        assert found.abs().max() > 1e-3


def test_scores_under_the_square_by_hand():
    model, x, _ = make(9, 12, 3, 2)
    scores = ours.covered_scores(model, x, size=4, stride=3, fill=0.2)
    assert scores.shape == (2, 3, 4, 3)
    for number, row, column in [(0, 0, 0), (1, 2, 1), (0, 1, 3), (1, 2, 3)]:
        covered = x[number : number + 1].clone()
        covered[:, :, 3 * row : 3 * row + 4, 3 * column : 3 * column + 4] = 0.2
        torch.testing.assert_close(scores[number, row, column], model(covered)[0])


def test_grad_cam_before_an_activation_in_place():
    plain, x, target = make(9, 12, 3, 4)
    inplace, _, _ = make(9, 12, 3, 4, inplace=True)
    for layer in ("0", "4"):
        found = ours.grad_cam(inplace, x, target, layer, relu=False)
        torch.testing.assert_close(found, ours.grad_cam(plain, x, target, layer, relu=False))


METHODS = {
    "saliency": ours.saliency,
    "grad_cam": lambda *given: ours.grad_cam(*given, "0"),
    "occlusion": lambda *given: ours.occlusion(*given, size=4, stride=2),
}
TARGETS = [
    (3, "expected target from 0 to 2, got 3"),
    (-1, "target as a whole number from 0, got -1"),
    (torch.tensor([0, 1, 2, 5]), "from 0 to 2, got 5"),
    (torch.tensor([0, 1]), "one target for each of 4 pictures, got an? int64 tensor"),
    (torch.zeros(4), r"int64, got .*: write target.long\(\)"),
    ("cat", "got 'cat': write for example target=0"),
    (True, "got True"),
]


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
class TestEach:
    def test_pictures_do_not_depend_on_each_other_and_one_target_is_that_for_each(self, method):
        model, x, target = make(9, 12, 3, 4)
        alone, together = method(model, x[2:3], target[2:3]), method(model, x, target)
        torch.testing.assert_close(alone, together[2:3])
        for one in (2, np.int64(2), torch.tensor(2)):
            assert torch.equal(method(model, x, one), method(model, x, torch.full((4,), 2)))
        assert method(model, x[:0], 0).shape == (0, 9, 12)

    def test_leaves_network_and_pictures_as_they_were(self, method):
        model, x, target = make(9, 12, 3, 4)
        model = nn.Sequential(nn.Threshold(0.0, 9.0, inplace=True), *model).train()
        with unchanged(model.requires_grad_(False), x):
            assert not method(model, x, target).requires_grad

    @pytest.mark.parametrize(("target", "words"), TARGETS)
    def test_wrong_targets_are_refused(self, method, target, words):
        model, x, _ = make(9, 12, 3, 4)
        with unchanged(model, x), pytest.raises((TypeError, ValueError), match=words):
            method(model, x, target)

    def test_wrong_networks_and_pictures_are_refused(self, method):
        model, x, _ = make(9, 12, 3, 4)
        with pytest.raises(ValueError, match=r"scores \(N, K\), got a float64 .* \(\d, 5, 2, 4\)"):
            method(model[:5], x, 0)
        with pytest.raises(ValueError, match=r"add the batch axis with x\[None\]"):
            method(model, x[0], 0)


def built(forward, conv=None):
    """A network of some layers that a forward pass may use."""
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    pair, conv = nn.MaxPool2d(2, return_indices=True), conv or nn.Conv2d(3, 3, 3)
    return Calls(forward, pair=pair, conv=conv, head=head)


NAMED = Calls(lambda net, x: {"maps": x})
FROZEN = built(lambda net, x: net.head(torch.no_grad()(net.conv)(x)))
NO_CONV = built(lambda net, x: net.head(x))
LAYERS = [
    (built(lambda net, x: net.head(net.pair(x)[0])), "pair", "got a tuple from `pair`"),
    (built(lambda net, x: net.head(net.conv(x)["maps"]), NAMED), "conv", "got a dict from `conv`"),
    (FROZEN, "conv", "a gradient for the maps of `conv`, got none"),
    (built(lambda net, x: (net.conv(x), net.head(x))[1]), "conv", "maps of `conv`, got none"),
    (NO_CONV, "conv", "nothing: it did not run from `conv`"),
    (NO_CONV, "head.1", r"of shape \(2, 3\) from `head\.1`"),
    (NO_CONV, "9", r"\(pair, .*\), got '9': name one of these"),
    (NO_CONV, "", "got ''"),
    (NO_CONV, ["conv"], r"name of a layer .*, got \['conv'\]: name"),
]


@pytest.mark.parametrize(("model", "layer", "words"), LAYERS)
def test_layers_without_maps_or_gradients_are_refused(model, layer, words):
    with unchanged(model), pytest.raises(ValueError, match=words):
        ours.grad_cam(model, torch.ones(2, 3, 8, 8), 0, layer)


def test_where_gradients_are_switched_off_and_in_torchscript():
    model, x, target = make(9, 12, 3, 4)
    wanted = ours.saliency(model, x, target)
    with torch.no_grad():
        torch.testing.assert_close(ours.saliency(model, x, target), wanted)
    with torch.inference_mode():
        torch.testing.assert_close(ours.saliency(model, x.clone(), target), wanted)
        made = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
        with pytest.raises(ValueError, match=r"made outside torch\.inference_mode, got one made"):
            ours.saliency(made, torch.zeros(1, 3, 2, 2), 0)
    torch.testing.assert_close(ours.saliency(torch.jit.script(model), x, target), wanted)
    with pytest.raises(TypeError, match="got the TorchScript layer `model`"):
        ours.grad_cam(torch.jit.script(model), x, target, "0")


def test_occlusion_takes_few_pictures_at_once():
    most, net = [], nn.Sequential(nn.Flatten(), nn.LazyLinear(2))
    net.register_forward_pre_hook(lambda module, given: most.append(len(given[0])))
    ours.occlusion(net, torch.rand(70, 1, 12, 10), 0, 3, 1)
    assert max(most) == 64


def test_occlusion_needs_little_memory_and_shows_how_far_it_is():
    code = (
        "import resource, torch; from torch import nn; from cnn_basics import explain\n"
        "used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "net, before = nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.LazyLinear(2)), used()\n"
        "explain.occlusion(net, torch.rand(1, 3, 128, 128), 0, 8, 1); print(used() - before)\n"
        "explain.BAR |= {'delay': 0, 'leave': True}\n"
        "explain.occlusion(net, torch.rand(1, 3, 128, 128), 0, 8, 8)"
    )
    printed, shown = run_alone(code)
    assert int(printed) < 150  # megabytes; the masks alone would take 240
    assert "256/256" in shown.split("occlusion: 100%")[1]
    assert "/14641" not in shown  # the first was not long enough


TRAP = {"cat": "meadow", "dog": "sofa"}


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 8), st.integers(2, 9), st.integers(0, 99))
def test_scores_equal_loops(count, height, width, seed):
    torch.manual_seed(seed)
    heat = torch.randn(count, height, width, dtype=torch.float64)
    mask = torch.rand(count, height, width) > 0.6
    shares, hits = ours.heat_share(heat, mask), ours.pointing_game(heat, mask)
    for n in range(count):
        pixels = list(zip(heat[n].flatten().tolist(), mask[n].flatten().tolist(), strict=True))
        positive = sum(max(value, 0) for value, _ in pixels)
        inside = sum(max(value, 0) for value, on in pixels if on)
        best = max(pixels, key=lambda pixel: pixel[0])
        assert hits[n] == (best[1] and best[0] > 0)
        assert positive == 0 or shares[n].item() == pytest.approx(inside / positive)


def test_a_picture_without_heat_has_no_share_and_no_hit():
    heat = torch.tensor([[[-1.0, 0.0]], [[-1.0, 2.0]]])
    mask = torch.tensor([[[True, True]], [[False, True]]])
    assert ours.heat_share(heat, mask).isnan().tolist() == [True, False]
    assert ours.pointing_game(heat, mask).tolist() == [False, True]


def test_the_animal_and_its_telling_parts_in_the_order_asked():
    every, some = (ours.load_masks("test_set", chosen) for chosen in (None, np.array([451, 0, 7])))
    assert every["body"].shape == (600, 28, 28)
    assert set(some) == {*ours.PARTS, "animal", "background", "telling"}
    for part, masks in some.items():
        assert torch.equal(masks, every[part][[451, 0, 7]])
    animal = torch.stack([every[part] for part in ours.PARTS]).any(dim=0)
    assert torch.equal(every["animal"], animal)
    assert torch.equal(every["background"], ~animal)
    telling = every["ears"] | every["muzzle"] | every["eyes"] | every["whiskers"]
    assert torch.equal(every["telling"], telling)
    assert 0.05 < telling.float().mean() < animal.float().mean() < 0.9


def test_the_trap_has_one_background_for_each_species():
    pictures, labels, masks = ours.draw_trap("test_set", TRAP, np.int64(3))
    swapped, _, _ = ours.draw_trap("test_set", {"cat": "sofa", "dog": "meadow"}, 3)
    assert labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert (pictures.shape, pictures.dtype) == ((6, 3, 28, 28), torch.uint8)
    for part, mask in ours.load_masks("test_set", indices=[0, 1, 2, 300, 301, 302]).items():
        assert torch.equal(masks[part], mask)
    difference = (pictures.int() - swapped.int()).abs().float().mean(dim=1)
    assert difference[masks["background"]].mean() > 20  # and only soft edges of the animals differ
    assert (difference[masks["animal"]] < 1).float().mean() > 0.7
    meadow = pictures[:3].permute(0, 2, 3, 1)[masks["background"][:3]].float().mean(dim=0)
    sofa = swapped[:3].permute(0, 2, 3, 1)[masks["background"][:3]].float().mean(dim=0)
    assert meadow.argmax() == 1 != sofa.argmax()  # green


NET, PIXELS, _ = make(9, 12, 3, 4)
HEAT, MASK = torch.ones(2, 28, 28), torch.ones(2, 28, 28, dtype=torch.bool)
cover, trap = partial(ours.occlusion, NET, PIXELS, 0), partial(ours.draw_trap, "test_set")
test_what_does_not_fit_is_refused = refusing(
    (lambda: ours.saliency(FROZEN, PIXELS.float(), 0), "a gradient for the pixels, got none"),
    (lambda: cover(0, 1), "expected size as a whole number from 1, got 0"),
    (lambda: cover(10, 1), "inside 9×12 pixels, .* got size 10"),
    (lambda: cover(3, 4), "a stride of at most its size, got size 3 and stride 4"),
    (lambda: cover(2.0, 1), "size as a whole number from 1, got 2.0"),
    (lambda: cover(2, True), "stride as a whole number from 1, got True"),
    (lambda: cover(3, 2, torch.zeros(2)), r"one number or \(3,\), got .* \(2,\)"),
    (lambda: ours.enlarge(HEAT[0], (6, 9)), r"\(28, 28\): add the axis of the pictures"),
    (lambda: ours.heat_share(HEAT[:, ::2], MASK), r"\(2, 14, 28\): write enlarge\(heat, \(28, 28"),
    (lambda: ours.pointing_game(HEAT, HEAT), r"got a float32 tensor .*: write mask > 0"),
    (lambda: ours.heat_share(HEAT[0], MASK[0]), r"add the axis with mask\[None\]"),
    (lambda: ours.load_masks("test_set", [0, 600, 700]), "from 0 to 599 for test_set, got 600"),
    (lambda: ours.load_masks("test"), "'training_set' or 'test_set', got 'test'"),
    (lambda: ours.draw_trap("test", TRAP, 1), "'training_set' or 'test_set', got 'test'"),
    (lambda: trap({"cat": "sofa"}, 1), "for 'cat' and 'dog', got {'cat': 'sofa'}"),
    (lambda: trap(TRAP | {"dog": "moon"}, 1), "'meadow' or 'sofa' .* 'dog': 'moon'}"),
    (lambda: trap(TRAP, 41), "count from 1 to 40 for test_set, got 41"),
    (lambda: trap(TRAP, 0), "got 0"),
)


def test_masks_that_were_deleted_are_missed(monkeypatch, tmp_path):
    monkeypatch.setattr("cnn_basics.explain.BUNDLED", tmp_path / "cat-and-dog")
    with pytest.raises(ValueError, match="restore data/"):
        ours.load_masks("test_set")
