"""What lesson 3 asks: the convolution layer."""

import torch

from cnn_basics.exercises.content import Draw, Exercise, Question, numbers

ONE_OUTPUT = Exercise("""
    3.1 · One output by hand (difficulty 1, importance 3, 4 minutes)
    A window of a picture with two channels is `[[1, 2], [3, 4]]` in channel 0 and `[[2, 0], [1,
    3]]` in channel 1. The kernel's slices are `[[1, 0], [2, 1]]` and `[[0, 1], [1, -1]]`, its bias
    is 5. Give `one_output`: the number that `F.conv2d` computes for this window.

    Answer: one_output = (1 * 1 + 2 * 0 + 3 * 2 + 4 * 1) + (2 * 0 + 0 * 1 + 1 * 1 + 3 * -1) + 5
    Wrong: 1 * 1 + 2 * 2 + 3 * 0 + 4 * 1 + (2 * -1 + 0 * 1 + 1 * 1 + 3 * 0) + 5
        You turn the kernel by 180° first. PyTorch does not: each pixel meets the weight that lies
        on it.
    Wrong: 11 + 5 + (-2 + 5)
        You add the bias once for each channel. It belongs to the whole kernel: add it once, to the
        sum over all channels.
    Wrong: 11 - 2
        You leave the bias out: it is added to every output.
    Wrong: (11 - 2) / 2 + 5
        You take the mean over the channels. Their parts are added up: 11 and -2 make 9.
    Hint: Lay each slice over its own channel. Four products each: what are their sums?
    Hint: The first channel gives 1 + 0 + 6 + 4. Do the same with the second; mind the sign of its
    last weight.
    Hint: Add the two sums, 11 and -2, and then the bias, once.
    Why: One output is the sum of all products, over rows, columns and channels, plus the kernel's
    one bias: 11 - 2 + 5.
    """)


def count_parameters(in_channels, out_channels, kernel_size, groups):
    height, width = kernel_size
    weights = out_channels * (in_channels // groups) * height * width
    return weights + out_channels


def one_layer(draw: Draw) -> tuple:
    groups = draw.randint(1, 4)
    channels = groups * draw.randint(1, 3), groups * draw.randint(1, 3)
    return *channels, (draw.randint(1, 5), draw.randint(1, 5)), groups


COUNT = Exercise(
    """
    3.2 · Parameters with groups (difficulty 2, importance 3, 6 minutes)
    Write `count_parameters(in_channels, out_channels, kernel_size, groups)`: how many parameters,
    weights and biases together, a `torch.nn.Conv2d` with these settings has. `kernel_size` is a
    tuple (height, width). Both numbers of channels are multiples of `groups`. Do not build the
    layer: count.

    Wrong: // groups →
        You let every kernel read all input channels, as without groups. With groups it reads only
        those of its own group: in_channels // groups.
    Wrong: out_channels * → out_channels // groups *
        You divide the number of kernels by groups, too. There are still out_channels kernels in
        all; only their slices become fewer.
    Wrong: height * width → height * height
        You take the kernel's height twice, as if it were square. A slice has height · width
        weights.
    Wrong: + out_channels → + groups
        You count one bias for each group. Each kernel has one: out_channels in all.
    Wrong: + out_channels → + 1
        You count one bias for the whole layer. Each kernel has one: out_channels in all.
    Wrong: + out_channels →
        You count the weights, but not the biases. Each kernel has one bias: add out_channels.
    Hint: Begin with one kernel: how many input channels does it read, if they are split into
    groups?
    Hint: A kernel has in_channels // groups slices of height · width weights, and one bias.
    Hint: Multiply what one kernel has by the number of kernels, out_channels.
    Why: The weight has the shape (out_channels, in_channels / groups, kernel height, kernel width),
    and the bias (out_channels,).
    Without: Conv2d
    """,
    count_parameters,
    cases=[(3, 8, (5, 3), 1), (4, 8, (3, 3), 2), (4, 4, (3, 3), 4)],
    random_case=one_layer,
)


def convolve(x, weight, bias, stride):
    out_channels, _, height, width = weight.shape
    rows = (x.shape[1] - height) // stride + 1
    columns = (x.shape[2] - width) // stride + 1
    y = torch.zeros(out_channels, rows, columns, dtype=x.dtype)
    for row in range(rows):
        for column in range(columns):
            top, left = row * stride, column * stride
            window = x[:, top : top + height, left : left + width]
            y[:, row, column] = (window * weight).sum(dim=(1, 2, 3)) + bias
    return y


def one_convolution(draw: Draw) -> tuple:
    channels, out_channels = draw.randint(1, 2), draw.randint(1, 2)
    height, width = draw.randint(1, 2), draw.randint(1, 3)
    x = draw.tensor(channels, draw.randint(height, 4), draw.randint(width, 5))
    weight = draw.tensor(out_channels, channels, height, width)
    return x, weight, draw.tensor(out_channels), draw.randint(1, 2)


CONVOLVE = Exercise(
    """
    3.3 · Your own convolution layer (difficulty 3, importance 3, 15 minutes)
    Write `convolve(x, weight, bias, stride)`: a convolution of one picture, without padding and
    without `F.conv2d` or `by_hand`. `x` has the shape (in_channels, H, W), `weight` (out_channels,
    in_channels, kernel height, kernel width), `bias` (out_channels,), and `stride` is a whole
    number for both directions. Return shape (out_channels, H_out, W_out), in the dtype of `x`.
    Loops are fine.

    Wrong: window * weight → window * weight.flip(2, 3)
        You turn the kernel by 180°, as mathematics does. PyTorch lays it on the window as it is.
    Wrong: row * stride, column * stride → row, column
        You make the output as small as the stride asks, but your windows still move by 1. The
        window of output (row, column) starts at (row * stride, column * stride).
    Wrong: - height) // stride + 1 → ) // stride; - width) // stride + 1 → ) // stride
        You divide the size by the stride alone, as if the last window needed no room: H_out is (H -
        kernel height) // stride + 1.
    Wrong: bias → bias * len(x)
        You add the bias once for each input channel. Add up the channels first, then add the bias
        once.
    Wrong: + bias → / len(x) + bias
        You take the mean over the input channels. Their parts are added up: sum over channels, rows
        and columns.
    Wrong: + bias →
        You leave the bias out. Each feature map gets its kernel's bias, the same at every place.
    Hint: How many windows fit downwards, and how many across? That is the shape of the output.
    Hint: Loop over rows and columns of the output. Where in `x` does the window of that output
    start, and where does it end?
    Hint: With `window` of shape (in_channels, kernel height, kernel width), all kernels at once
    give (window * weight).sum(dim=(1, 2, 3)) + bias, one number for each output channel.
    Why: Each output is the sum of window times kernel over channels, rows and columns, plus the
    kernel's bias, and the window's corner moves by stride from one output to the next.
    Without: by_hand, conv2d, Conv2d
    """,
    convolve,
    cases=[
        (numbers([[[1, 2, 0, 3]]]), numbers([[[[1, -1]]]]), numbers([0]), 2),
        (
            numbers([[[1, 2, 0], [0, 1, 3]], [[2, 0, 1], [1, 1, 0]]]),
            numbers([[[[1, 0], [0, 2]], [[0, 1], [1, 0]]]]),
            numbers([10]),
            1,
        ),
    ],
    random_case=one_convolution,
    asks_dtype=True,
)

BRIGHTER = Question("""
    3.4 · The same picture, brighter (difficulty 1, importance 2, 2 minutes)
    A 3×3 kernel has weights that add up to 0. You add 20 to every pixel of a grey picture and
    convolve it again, without padding. What happens to the feature map?

    Wrong: Every number grows by 20
        That is so if the weights add up to 1, as in a blur. The change is 20 times their sum.
    Wrong: Every number grows by 180
        That is so if all nine weights are 1. The change is 20 times the sum of the weights.
    Right: Nothing: it stays the same
        Each output changes by 20 times the sum of the weights, and that is 0: such a kernel sees
        only differences between pixels.
    Wrong: Every number becomes 0
        Only evenly grey areas give 0, before and after. Edges are still there in the brighter
        picture, and answer as before.
    """)
