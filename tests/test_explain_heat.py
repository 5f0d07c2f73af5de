"""Saliency, Grad-CAM and occlusion against captum's, in float64, and what they refuse."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnn_basics.explain import covered_scores, enlarge, grad_cam, occlusion, saliency, squares
from cnn_basics.model import Custom_CNN

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


def test_the_custom_cnn_equals_captums():
    from captum.attr import LayerGradCam, Occlusion, Saliency

    torch.manual_seed(0)
    model, x = Custom_CNN().double(), torch.rand(2, 3, 28, 28, dtype=torch.float64)
    theirs = Saliency(model).attribute(x.clone().requires_grad_(), 1).amax(dim=1)
    torch.testing.assert_close(saliency(model, x, 1), theirs, atol=1e-12, rtol=0)
    theirs = LayerGradCam(model, model.conv2).attribute(x.clone().requires_grad_(), 1)
    ours = grad_cam(model, x, 1, "conv2", relu=False)
    torch.testing.assert_close(ours, theirs[:, 0], atol=1e-12, rtol=0)
    theirs = Occlusion(model).attribute(x, (3, 8, 8), (3, 5, 5), 0.5, 0)
    close_to_float32(occlusion(model, x, 0, 8, 5, 0.5), theirs[:, 0])


def test_scores_under_the_square_by_hand():
    model, x, _ = make(9, 12, 3, 2)
    scores = covered_scores(model, x, size=4, stride=3, fill=0.2)
    assert scores.shape == (2, 3, 4, 3)
    for number, row, column in [(0, 0, 0), (1, 2, 1), (0, 1, 3), (1, 2, 3)]:
        covered = x[number : number + 1].clone()
        covered[:, :, 3 * row : 3 * row + 4, 3 * column : 3 * column + 4] = 0.2
        torch.testing.assert_close(scores[number, row, column], model(covered)[0])


def test_every_pixel_lies_under_a_square():
    for height, width, size, stride in [(5, 7, 3, 2), (5, 7, 3, 3), (4, 4, 4, 1), (6, 5, 2, 2)]:
        places = squares(height, width, size, stride)
        assert places.any(dim=0).any(dim=0).all()
        assert int(places.sum(dim=(2, 3)).max()) == size**2
        assert places[0, 0, :size, :size].all()
        assert places[0, 0].sum() == size**2


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
        model.train()
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
            (3, ValueError, "expected a target from 0 to 2, got 3"),
            (-1, ValueError, "expected a target from 0 to 2, got -1"),
            (torch.tensor([0, 1, 2, 5]), ValueError, "from 0 to 2, got 5"),
            (torch.tensor([0, 1]), ValueError, r"one target for each of 4 pictures, got shape \(2"),
            (torch.zeros(4), TypeError, r"int64, got float32: write target.long\(\)"),
            ("cat", TypeError, "got 'cat': write for example target=0"),
            (True, TypeError, "got True"),
        ],
    )
    def test_wrong_targets_are_refused(self, explain, target, error, words):
        model, x, _ = make(9, 12, 3, 4)
        with pytest.raises(error, match=words):
            explain(model, x, target)
        assert not any(module._forward_hooks for module in model.modules())

    def test_a_network_without_scores_is_refused(self, explain):
        model, x, _ = make(9, 12, 3, 4)
        with pytest.raises(ValueError, match=r"scores \(N, K\), got \(4, 5, 2, 4\)"):
            explain(model[:5], x, 0)

    def test_a_picture_without_batch_axis_is_refused(self, explain):
        model, x, _ = make(9, 12, 3, 4)
        with pytest.raises(ValueError, match=r"add the batch axis with x\[None\]"):
            explain(model, x[0], 0)


@pytest.mark.parametrize(
    ("layer", "words"),
    [("9", r"\(0, 1, .*\), got '9': name one"), ("", "got ''"), ("6", r"shape \(4, 40\) from `6`")],
)
def test_grad_cam_refuses_what_has_no_maps(layer, words):
    model, x, target = make(9, 12, 3, 4)
    with pytest.raises(ValueError, match=words):
        grad_cam(model, x, target, layer)


def test_grad_cam_refuses_a_layer_that_does_not_run():
    model = Custom_CNN()
    model.spare = nn.Conv2d(3, 3, 3)
    with pytest.raises(ValueError, match="nothing: it did not run from `spare`"):
        grad_cam(model, torch.zeros(1, 3, 28, 28), 0, "spare")


@pytest.mark.parametrize(
    ("size", "stride", "error", "words"),
    [
        (0, 1, ValueError, r"size from 1 to 9 \(the picture has 9×12 pixels\), got 0"),
        (10, 1, ValueError, "got 10"),
        (3, 4, ValueError, r"stride from 1 to 3 \(the square is 3 pixels wide\), got 4"),
        (2.0, 1, TypeError, "size as a whole number, got 2.0"),
        (2, True, TypeError, "stride as a whole number, got True"),
    ],
)
def test_wrong_squares_are_refused(size, stride, error, words):
    model, x, target = make(9, 12, 3, 4)
    with pytest.raises(error, match=words):
        occlusion(model, x, target, size, stride)


def test_a_filling_for_other_channels_is_refused():
    model, x, target = make(9, 12, 3, 4)
    with pytest.raises(ValueError, match=r"one number or \(3,\), got shape \(2,\)"):
        occlusion(model, x, target, 3, 2, torch.zeros(2))


def test_enlarging_is_pytorchs_and_refuses_other_axes():
    heat = torch.rand(2, 3, 4)
    wanted = F.interpolate(heat[None], (6, 9), mode="bilinear")[0]
    assert torch.equal(enlarge(heat, (6, 9)), wanted)
    with pytest.raises(ValueError, match=r"got \(3, 4\): add the axis of the pictures"):
        enlarge(heat[0], (6, 9))
