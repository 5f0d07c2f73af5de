"""Every hand-written layer, forward and backward, against PyTorch: values, gradients, refusals.

The oracle is `torch.nn.functional` in float64, over random non-square shapes and every option.
Whether a combination is legal is PyTorch's decision as well: where PyTorch raises, we must.
"""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from refusing import assert_one_sentence, refusing
from zoo import run_alone

from cnn_basics import by_hand as ours

CLOSE = {"rtol": 1e-10, "atol": 1e-10}
REFUSALS = (ValueError, TypeError, RuntimeError)
even_kernels = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
pairs = lambda low, high: st.one_of(  # noqa: E731
    st.integers(low, high), st.tuples(st.integers(low, high), st.integers(low, high))
)
batches = st.sampled_from([(), (0,), (1,), (2,)])
seeds = st.integers(0, 99)


def random(*shape, seed=0, ties=False):
    """Return float64 numbers that need a gradient; with `ties`, few different whole ones."""
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randn(shape, generator=generator, dtype=torch.float64)
    return (numbers.round() if ties else numbers).requires_grad_()


def as_float32(tensor):
    """The tensor in float32; None and class numbers stay what they are."""
    return tensor.float() if tensor is not None and tensor.is_floating_point() else tensor


def outcome(function, *tensors, **options):
    """Return the values, the gradients of a random weighting of them, and copies of the tensors
    without a gradient, which the function may change; or the error."""
    given = [t if t is None or t.requires_grad else t.clone() for t in tensors]
    try:
        y = function(*given, **options)
    except REFUSALS as error:
        return error
    wanted = [t for t in given if t is not None and t.requires_grad]
    weights = random(*y.shape, seed=1).detach()
    gradients = torch.autograd.grad(y, wanted, weights) if wanted else ()
    return y, *gradients, *(t for t in given if t is not None and not t.requires_grad)


def assert_same(mine, theirs):
    """Both raise, or both give the same values, gradients and changes."""
    if isinstance(theirs, Exception):
        assert_one_sentence(mine)
        return
    assert not isinstance(mine, Exception), f"refused, PyTorch does not: {mine}"
    for my_tensor, their_tensor in zip(mine, theirs, strict=True):
        torch.testing.assert_close(my_tensor, their_tensor, equal_nan=True, **CLOSE)


@st.composite
def convolutions(draw):
    """Draw a convolution that may or may not be legal, batched or not."""
    groups, per_group, out_per_group = (draw(st.integers(1, most)) for most in (3, 3, 2))
    sides = (draw(st.integers(1, most)) for most in (9, 7, 3, 4))
    height, width, kernel_height, kernel_width = sides
    x = random(*draw(batches), groups * per_group, height, width, seed=draw(seeds))
    shape = groups * out_per_group, per_group, kernel_height, kernel_width
    bias = random(shape[0], seed=3) if draw(st.booleans()) else None
    options = {
        "stride": draw(pairs(1, 4)),
        "padding": draw(pairs(0, 3) | st.sampled_from(["same", "valid"])),
        "dilation": draw(pairs(1, 2)),
        "groups": groups,
    }
    return (x, random(*shape, seed=draw(seeds)), bias), options


@st.composite
def poolings(draw, **options):
    """Draw maps, every second time with ties, and a window."""
    height, width, seed = draw(st.integers(1, 8)), draw(st.integers(1, 8)), draw(seeds)
    x = random(*draw(batches), 2, height, width, seed=seed, ties=seed % 2 == 0)
    options |= {"kernel_size": pairs(1, 4), "stride": st.none() | pairs(1, 5)}
    options["padding"] = pairs(0, 2)
    return (x,), {name: draw(values) for name, values in options.items()}


@st.composite
def linears(draw):
    """Draw a fully connected layer, for one vector or many."""
    batch = draw(st.sampled_from([(), (1,), (4,), (2, 3), (0,)]))
    in_features, out_features = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    bias = random(out_features, seed=2) if draw(st.booleans()) else None
    return (random(*batch, in_features), random(out_features, in_features, seed=1), bias), {}


@st.composite
def normalisations(draw):
    """Draw a batch, its running statistics, scale and shift, each of them or not."""
    shapes = [(4, 3), (2, 3, 5), (2, 3, 4, 5), (2, 3, 2, 1, 3), (1, 3, 2, 1), (1, 3, 1, 1), (1, 3)]
    x = random(*draw(st.sampled_from(shapes)), seed=draw(seeds))
    running = torch.tensor([[0.5, -1.0, 2.0], [0.5, 1.0, 2.0]], dtype=torch.float64)
    running = running if draw(st.booleans()) else (None, None)
    learned = [random(3, seed=seed) if draw(st.booleans()) else None for seed in (4, 5)]
    options = {"training": st.booleans(), "momentum": st.floats(0, 1)}
    options["eps"] = st.sampled_from([1e-5, 0.1])
    return (x, *running, *learned), {name: draw(values) for name, values in options.items()}


@st.composite
def losses(draw):
    """Draw scores, classes and every option of the loss."""
    n, classes, seed = draw(st.integers(0, 4)), draw(st.integers(1, 5)), draw(seeds)
    target = torch.randint(classes, (n,), generator=torch.Generator().manual_seed(seed))
    reductions = ["mean", "sum", "none"] if n else ["sum", "none"]  # the mean of nothing is nan
    options = {"reduction": draw(st.sampled_from(reductions))}
    options["label_smoothing"] = draw(st.sampled_from([0.0, 0.1, 1.0]))
    scores = random(n, classes, seed=seed) * draw(st.sampled_from([1, 1000]))
    return (scores, target), options


CORNERS = torch.tensor([-2.0, -0.0, 0.0, 1e-9, 3.0, float("inf"), -float("inf"), float("nan")])
RELUS = [((x,), {}) for x in (CORNERS.double().requires_grad_(), random(2, 3, 5, 4))]
# A window of nothing but -∞ never gives to the padding.
LOWEST = torch.full((1, 1, 3, 2), -float("inf"), dtype=torch.float64, requires_grad=True)
LOWEST = ((LOWEST,), {"kernel_size": (2, 3), "stride": 1, "padding": (1, 1)})
CEILED = {"ceil_mode": st.booleans()}
COUNTED = CEILED | {"count_include_pad": st.booleans()}


def without_bias(backward):
    return lambda g, x, weight, bias, **options: backward(g, x, weight, **options)


def norm_backward(g, x, mean, var, weight, bias, momentum, **options):
    grad_x, *others = ours.batch_norm_backward(g, x, mean, var, weight, **options)
    return grad_x, None, None, *others


def as_windows(convolution):
    """The windows of a convolution."""
    (x, weight, _), options = convolution
    del options["groups"]
    return (x,), options | {"kernel_size": tuple(weight.shape[2:])}


def windows_backward(g, x, kernel_size, **options):
    return ours.windows_backward(g, x.shape[-2:], **options)


LAYERS = {  # PyTorch's layer, ours, our backward pass if it takes these cases, and the cases
    "conv2d": (F.conv2d, ours.conv2d, without_bias(ours.conv2d_backward), convolutions()),
    "windows": (ours.windows, ours.windows, windows_backward, convolutions().map(as_windows)),
    "linear": (F.linear, ours.fully_connected, without_bias(ours.linear_backward), linears()),
    "relu": (F.relu, ours.relu, ours.relu_backward, st.sampled_from(RELUS)),
    "max": (F.max_pool2d, ours.max_pool2d, ours.max_pool2d_backward, poolings()),
    "max of -∞": (F.max_pool2d, F.max_pool2d, ours.max_pool2d_backward, st.just(LOWEST)),
    "max with all options": (F.max_pool2d, ours.max_pool2d, None, poolings(**CEILED)),
    "average": (F.avg_pool2d, ours.avg_pool2d, ours.avg_pool2d_backward, poolings()),
    "average with all options": (F.avg_pool2d, ours.avg_pool2d, None, poolings(**COUNTED)),
    "batch_norm": (F.batch_norm, ours.batch_norm, norm_backward, normalisations()),
    "loss": (F.cross_entropy, F.cross_entropy, ours.cross_entropy_backward, losses()),
}


@even_kernels
@pytest.mark.parametrize("layer", LAYERS)
@given(data=st.data())
@settings(max_examples=250)
def test_every_layer_is_pytorchs_forward_and_backward(layer, data):
    theirs, mine, backward, cases = LAYERS[layer]
    tensors, options = data.draw(cases)
    result = outcome(mine, *tensors, **options)
    expected = outcome(theirs, *tensors, **options)
    assert_same(result, expected)
    if not isinstance(result, Exception):
        assert mine(*map(as_float32, tensors), **options).dtype == torch.float32
    if backward and not (layer == "windows" and isinstance(expected, Exception)):
        check_backward(partial(backward, **options), tensors, expected)


def check_backward(backward, tensors, expected):
    """The gradients are those expected, also in float32, and the tensors stay what they are."""
    detached = [t if t is None else t.detach().clone() for t in tensors]
    kept = [t if t is None else t.clone() for t in detached]
    if isinstance(expected, Exception):
        with pytest.raises((ValueError, TypeError)) as caught:
            backward(torch.zeros(()).double(), *detached)
        assert_one_sentence(caught.value)
        assert "grad_output" not in str(caught.value), "for another reason"
        return
    grad_output, gradients = random(*expected[0].shape, seed=1).detach(), iter(expected[1:])
    if backward.func is not windows_backward:  # which knows neither shape nor dtype
        for wrong in (None, grad_output[None], grad_output.float()):
            with pytest.raises((ValueError, TypeError), match=r"^expected grad_output .*: ."):
                backward(wrong, *detached)
    found = backward(grad_output, *detached)
    single = backward(grad_output.float(), *map(as_float32, detached))
    if isinstance(found, torch.Tensor):
        found, single = [found], [single]
    for gradient, in_float32, tensor in zip(found, single, tensors, strict=False):
        if tensor is not None and tensor.requires_grad:
            torch.testing.assert_close(gradient, next(gradients), equal_nan=True, **CLOSE)
        assert gradient is in_float32 is None or in_float32.shape == gradient.shape
        assert gradient is None or in_float32.dtype == torch.float32
    for tensor, copy in zip(detached, kept, strict=True):
        assert tensor is copy is None or (tensor.nan_to_num() == copy.nan_to_num()).all()


def test_nan_wins_max_pooling_and_relu_takes_whole_numbers():
    assert ours.max_pool2d(torch.tensor([[[1.0, torch.nan]]]), (1, 2)).isnan().all()
    assert ours.relu(torch.tensor([-1, 2])).tolist() == [0, 2]


@given(pairs(1, 12), pairs(1, 4), pairs(1, 4), pairs(0, 2), pairs(1, 3), st.booleans())
@settings(max_examples=250)
def test_output_size_is_pytorchs(size, kernel, stride, padding, dilation, ceil_mode):
    options = {"stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": ceil_mode}
    x = torch.zeros(1, 1, *(size if isinstance(size, tuple) else (size, size)))
    try:
        theirs = tuple(F.max_pool2d(x, kernel, **options).shape[2:])
    except RuntimeError as error:
        if "half of" not in str(error):  # that is pooling's own rule, not one of sizes
            with pytest.raises(ValueError, match=r"^expected .*: use"):
                ours.output_size(size, kernel, **options)
        return
    mine = ours.output_size(size, kernel, **options)
    given = (size, kernel, stride, padding, dilation)
    assert mine == (theirs if tuple in map(type, given) else theirs[0])


def test_output_size_knows_words():
    assert [ours.output_size(28, 5, padding=word) for word in ("valid", "same")] == [24, 28]


def test_windows_share_their_memory():
    seen = ours.windows(torch.zeros(1, 1, 4, 5), 3)
    assert seen.shape == (1, 1, 2, 3, 3, 3)
    assert seen.untyped_storage().nbytes() == 4 * 4 * 5


def test_numpys_whole_numbers_are_numbers():
    two, x, weight = np.int64(2), torch.rand(1, 4, 6, 7), torch.rand(2, 2, 2, 2)
    options = {"stride": two, "padding": two, "dilation": (two, 1), "groups": two}
    assert torch.equal(
        ours.conv2d(x, weight, **options),
        ours.conv2d(x, weight, stride=2, padding=2, dilation=(2, 1), groups=2),
    )
    assert torch.equal(ours.max_pool2d(x, two), ours.max_pool2d(x, 2))
    assert ours.output_size(np.int64(28), two, stride=two) == 14
    tenth = np.float32(0.1)
    normal = ours.batch_norm(x, None, None, training=True, momentum=tenth, eps=tenth)
    torch.testing.assert_close(normal, F.batch_norm(x, None, None, training=True, eps=0.1))


LIGHT = """
import resource, sys, torch
from cnn_basics import by_hand
from cnn_basics.by_hand import fast
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
x, weight, maps = torch.rand(100, 16, 28, 28), torch.rand(16, 16, 3, 3), torch.rand(2, 16, 28, 28)
by_hand.conv2d(maps, weight, padding=1)
before = peak()
by_hand.conv2d(x, weight, padding=1)
assert peak() - before < 35, peak() - before  # all windows are 45 MB, input and output 5 each
by_hand.conv2d_backward(maps, maps, weight, padding=1)
by_hand.relu_backward(maps, maps)
by_hand.batch_norm_backward(maps, maps, None, None, training=True)
by_hand.linear_backward(maps, maps, torch.rand(28, 28))
by_hand.windows_backward(torch.rand(1, 2, 2, 2, 2), (3, 3))
fast.conv2d_cost((1, 3, 8, 8), (2, 3, 3, 3))
print({"torch._dynamo", "sympy"} & {*sys.modules})
"""


def test_neither_compiler_nor_copies_of_all_windows_fill_the_memory():
    assert run_alone(LIGHT) == ("set()\n", "")


def test_batch_norm_backward_gives_the_gradient_of_a_weight_of_one():
    x, one = random(4, 3, 2).detach(), torch.ones(3).double()
    found = (ours.batch_norm_backward(x.flip(0), x, None, None, w, True) for w in (None, one))
    assert all(map(torch.equal, *found))


X, W, NO_BIAS = torch.zeros(2, 4, 5, 6), torch.zeros(6, 2, 3, 3), torch.zeros(5)
conv, linear = partial(ours.conv2d, X, groups=2), partial(ours.fully_connected, X)
norm = partial(ours.batch_norm, X, training=True)
test_refusals_say_what_came_and_the_fix = refusing(
    (lambda: ours.conv2d(X, W), r"weight as \(out_channels, 4 / 1, .*, got \(6, 2, 3, 3\)"),
    (lambda: conv(torch.zeros(3, 2, 3, 3)), r"4 / 2, .*got \(3, 2, 3, 3\): .* of groups=2"),
    (lambda: conv(W[0]), r"weight as \(out_channels, .*, got \(2, 3, 3\)"),
    (lambda: conv(W, groups=0), "groups as a whole number from 1, got 0"),
    (lambda: conv(W, stride=0), "stride as a whole number from 1, got 0"),
    (lambda: conv(W, stride=(1, 2, 3)), "one or two numbers for stride, got 3"),
    (lambda: conv(W, padding=-1), "padding as a whole number from 0, got -1"),
    (lambda: conv(W, padding="full"), "'same' or 'valid', got 'full'"),
    (lambda: conv(W, padding="same", stride=2), r"stride 1 with padding='same', got stride \(2"),
    (lambda: conv(W, dilation=0.5), r"dilation as a whole number from 1, got 0\.5"),
    (lambda: conv(W, dilation=3), "kernel spanning 7 for 5 pixels"),
    (lambda: conv(W, NO_BIAS), r"bias of shape \(6,\), got \(5,\)"),
    (lambda: ours.conv2d(X[0, 0], W), r"x as \(N, C, H, W\) or \(C, H, W\) with.*\(5, 6\)"),
    (lambda: ours.conv2d(X[:, :, :0], W), "at least one channel, row and column"),
    (lambda: ours.conv2d(X.byte(), W), "x as a float32 or float64 tensor, got a uint8 tensor"),
    (lambda: conv(W.double()), "weight in torch.float32 on cpu, got weight in .*float64 on cpu"),
    (lambda: conv(W.to("meta")), "weight in torch.float32 on cpu, got .* on meta"),
    (lambda: conv(W.numpy()), "weight as a float32 or float64 tensor, got a float32 array"),
    (lambda: ours.windows(X[0, 0], 3), r"x as \(N, C, H, W\) or"),
    (lambda: ours.output_size(0, 1), "size as a whole number from 1, got 0"),
    (lambda: ours.max_pool2d(X, 2, padding="same"), "padding as a whole number from 0, got 'same'"),
    (lambda: ours.avg_pool2d(X, (3, 2), padding=(1, 2)), "at most half the kernel.*got 2"),
    (lambda: linear(W), "weight as"),
    (lambda: linear(torch.zeros(3, 4)), r"x as \(..., 4\)"),
    (lambda: linear(torch.zeros(2, 6), NO_BIAS), r"bias of shape \(2,\)"),
    (lambda: ours.relu([1.0, -1.0]), "tensor of real numbers, got a list"),
    (lambda: ours.relu(torch.tensor([True])), "real numbers, got a bool tensor"),
    (lambda: norm(None, None, training=False), "both running_mean and running_var, got 0 of them"),
    (lambda: norm(torch.zeros(4), None), "got 1 of them: give both, or use training=True"),
    (lambda: norm(NO_BIAS, NO_BIAS), r"running_mean of shape \(4,\)"),
    (lambda: norm(None, None, eps=0.0), "eps as a number from 1e-300 to inf, got 0.0"),
    (lambda: norm(None, None, momentum="0.1"), "momentum as a number from -inf to inf, got '0.1'"),
    (lambda: ours.batch_norm(X[:1, :, 0, 0], None, None, training=True), "more than 1 value"),
    (lambda: ours.batch_norm(X[0, 0, 0], None, None, training=True), r"x as \(N, C\)"),
)


G, SCORES, TARGET = torch.zeros(2, 6, 3, 4), torch.zeros(2, 3), torch.tensor([0, 2])
conv_back = partial(ours.conv2d_backward, x=X, weight=torch.zeros(6, 4, 3, 3))
entropy = partial(ours.cross_entropy_backward, torch.tensor(1.0), SCORES)
test_backward_passes_refuse_what_does_not_fit = refusing(
    (lambda: conv_back(G, stride=2), r"grad_output of shape \(2, 6, 2, 2\), got \(2, 6, 3, 4\)"),
    (lambda: ours.relu_backward(TARGET, TARGET), "x as a float32 or float64 tensor, got an int64"),
    (lambda: ours.cross_entropy_backward(G, X, TARGET), r"x as \(N, K\), .*of shape \(2, 4, 5"),
    (lambda: entropy([0, 2]), "one int64 class from 0 to 2 for each of the 2 rows .*, got a list"),
    (lambda: entropy(TARGET[:1]), r"each of the 2 rows of x, got an int64 tensor of shape \(1,\)"),
    (lambda: entropy(TARGET + 1), "class from 0 to 2 .*, got 1 to 3"),
    (lambda: entropy(TARGET - 1), "class from 0 to 2 .*, got -1 to 1"),
    (lambda: entropy(TARGET, "average"), "reduction in .*got 'average'"),
    (lambda: entropy(TARGET, label_smoothing=2), "label_smoothing as a number from 0 to 1, got 2"),
    (lambda: ours.windows_backward(G, (5, 6)), r"grad_output as \(N, C, H, W, kh, kw\)"),
    (lambda: ours.windows_backward(G[None, None], (4, 5)), r"\(1, 1, 2, 2, 3, 4\), got \(1, 1, 2"),
    (lambda: ours.spread(X, 0), "stride as a whole number from 1, got 0"),
    (lambda: ours.spread([1.0], 2), r"a tensor \(\.\.\., H, W\), got a list"),
    (lambda: ours.pad(X[0, 0, 0], ((1, 1), (1, 1))), r"a tensor \(\.\.\., H, W\), got a float32"),
    (lambda: ours.pad(X, 1), r"borders as \(\(top, bottom\), \(left, right\)\), got 1"),
    (lambda: ours.pad(X, ((0, -1), (0, 0))), "each of borders as a whole number from 0, got -1"),
    (lambda: ours.conv2d_grad_x(None, W, (5, 6)), "grad_output as a float32 .*, got None"),
    (lambda: ours.conv2d_grad_x(G, W[0], (5, 6)), r"weight \(out_channels, .*, got .*\(2, 3, 3\)"),
    (lambda: ours.conv2d_grad_x(G, W, (5, 6), 4), r"divide the channels, got 4 for \(6,\)"),
    (lambda: ours.conv2d_grad_x(G, W, (6, 6), 2), r"\(2, 6, 4, 4\), got \(2, 6, 3, 4\)"),
    (lambda: ours.conv2d_grad_weight(None, X, 3), "grad_output as a float32 .*, got None"),
    (lambda: ours.conv2d_grad_weight(G[0], X, 3), r"\(2, 6, 3, 4\), got \(6, 3, 4\)"),
    (lambda: ours.conv2d_grad_weight(G, X, 3, 4), r"divide the channels, got 4 for \(4, 6\)"),
)
