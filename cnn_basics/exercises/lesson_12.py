"""What lesson 12 asks: fast convolution."""

from cnn_basics.exercises.content import Draw, Exercise, Question, numbers

TIMES = Exercise("""
    12.1 · What im2col copies (difficulty 1, importance 3, 5 minutes)
    A picture has 8 channels of 32×32 pixels. A convolution slides over it with kernel_size=4,
    stride=2 and padding=1. How many times as many numbers as the picture (without its padding) does
    the im2col matrix have? Set `times_as_large`.

    Answer: times_as_large = (16 * 16) * (8 * 4 * 4) / (8 * 32 * 32)
    Wrong: 16
        That is kernel height × kernel width, as if a window began at every pixel. With stride=2
        there are only 16×16 windows.
    Wrong: 8
        You halve the windows along one axis only. The stride of 2 acts on rows and on columns: a
        quarter of the windows is left.
    Wrong: 2
        You count the kernel along one axis only. A pixel is in 2 windows across and in 2 down, so
        it is copied 2 · 2 times.
    Wrong: 32
        You count the 8 channels in the matrix, but not in the picture: both have all of them.
        Divide by 8 · 32 · 32.
    Hint: How many windows are there? Use (32 + 2 · padding - kernel_size) // stride + 1 for each
    axis.
    Hint: Each window becomes one row. How many numbers does a row have, with all 8 channels?
    Hint: 16 · 16 rows of 8 · 4 · 4 numbers, against 8 · 32 · 32 in the picture.
    Why: There are 16·16 rows of 8·4·4 numbers, 32,768 in all, against 8·32·32 = 8,192 in the
    picture: nearly every pixel is in two windows across and two down.
    """)


def channels_last_strides(shape):
    _, channels, height, width = shape
    return channels * height * width, 1, channels * width, channels


STRIDES = Exercise(
    """
    12.2 · Strides of channels last (difficulty 2, importance 2, 10 minutes)
    Write `channels_last_strides(shape)`: `shape` is (N, C, H, W), and the numbers lie in memory as
    channels last. Return the four strides as `stride()` does, in the order of the shape: how far it
    is in memory to the next picture, channel, row and column.

    Wrong: 1, channels * width, channels → height * width, width, 1
        These are the strides of the usual layout, one channel behind the other. In channels last
        the channels of one pixel are neighbours, so the stride of the channels is 1.
    Wrong: 1, channels * width, channels → channels * width, channels, 1
        Your numbers are right, but in the order picture, row, column, channel. The shape stays (N,
        C, H, W), so the channels' stride comes second.
    Wrong: channels * width → channels * height
        You step over height pixels to get to the next row. A row has width pixels, with all
        channels of each.
    Wrong: tuple(4 * stride for stride in channels_last_strides(shape))
        You count bytes. PyTorch's strides count numbers, whatever their dtype.
    Hint: In channels last, what is the neighbour of a number in memory: the next column or the next
    channel?
    Hint: A pixel takes C numbers. How many does a whole row take, and how many a picture?
    Hint: A column is C apart, a row C · W, a picture C · H · W, a channel 1. Mind the order.
    Why: Memory holds pixel after pixel, each with its C channels: one number to the next channel, C
    to the next column, C · W to the next row and C · H · W to the next picture.
    """,
    channels_last_strides,
    cases=[((1, 2, 2, 3),), ((2, 3, 4, 5),)],
    random_case=lambda draw: ((draw.randint(1, 4), *(draw.randint(2, 6) for _ in range(3))),),
)


def conv2d_by_product(x, weight):
    kernels, _, kernel_height, kernel_width = weight.shape
    windows = x.unfold(2, kernel_height, 1).unfold(3, kernel_width, 1)
    n, _, height, width = windows.shape[:4]
    rows = windows.permute(0, 2, 3, 1, 4, 5).reshape(n * height * width, -1)
    columns = weight.flatten(1).T
    return (rows @ columns).view(n, height, width, kernels).permute(0, 3, 1, 2)


def one_layer(draw: Draw) -> tuple:
    kernel_height, kernel_width = draw.randint(1, 3), draw.randint(1, 3)
    height, width = kernel_height + draw.randint(0, 2), kernel_width + draw.randint(0, 2)
    channels = draw.randint(1, 3)
    x = draw.tensor(draw.randint(1, 2), channels, height, width)
    return x, draw.tensor(draw.randint(1, 3), channels, kernel_height, kernel_width)


PRODUCT = Exercise(
    """
    12.3 · A convolution as one matrix product (difficulty 3, importance 3, 15 minutes)
    Write `conv2d_by_product(x, weight)` with one matrix product, without `F.conv2d`: `x` is (N,
    in_channels, H, W), `weight` is (out_channels, in_channels, kernel height, kernel width),
    stride=1, no padding, no bias. Return (N, out_channels, H_out, W_out). For the rows of the
    matrix you may use `fast.im2col(x, kernel_size)`, or cut the windows out with `unfold`.

    Wrong: (n, height, width, kernels).permute(0, 3, 1, 2) → (n, kernels, height, width)
        You view the product as (N, out_channels, H_out, W_out) at once. Its rows are windows and
        its columns kernels: view it as (N, H_out, W_out, out_channels), then permute.
    Wrong: weight.flatten(1).T → weight.reshape(-1, kernels)
        You reshape the weights to have out_channels columns, which mixes numbers of several
        kernels. Flatten each kernel into a row, and transpose: weight.flatten(1).T.
    Wrong: .permute(0, 2, 3, 1, 4, 5) →
        You reshape the windows with the channels still before the places, so a row mixes several
        windows. Move the places to the front first: permute(0, 2, 3, 1, 4, 5).
    Wrong: n, height, width, kernels → n, width, height, kernels
        You swap height and width when you put the outputs back into their places. Windows go along
        a row first, so the order is H_out, then W_out.
    Wrong: weight.flatten(1) → weight.flip(2, 3).flatten(1)
        You flip the kernels. Neural networks do not: the upper left weight meets the upper left
        pixel of each window.
    Hint: Each window is a row, with all its channels; each kernel is a column, in the same order.
    How many rows and columns does the product have?
    Hint: The columns are weight.flatten(1).T. The product is (N · H_out · W_out, out_channels), its
    rows in the order picture, row, column.
    Hint: View the product as (N, H_out, W_out, out_channels), and bring the last axis to second
    place with permute(0, 3, 1, 2).
    Why: Row times column is the sum over one window with one kernel, both in the order channel,
    row, column; the product has its kernels last, and only permute can bring them to second place.
    Without: conv2d, Conv2d
    """,
    conv2d_by_product,
    cases=[
        (numbers([[[[1, 0, 2], [0, 3, 1], [2, 1, 0]]]]), numbers([[[[1, 2], [3, 4]]]])),
        (
            numbers([[[[1, 2, 3]], [[4, 5, 6]]]]),
            numbers([[[[1, 0]], [[0, 1]]], [[[1, 1]], [[0, 0]]]]),
        ),
    ],
    random_case=one_layer,
)

FASTER = Question("""
    12.4 · More copies, less time (difficulty 1, importance 2, 1 minute)
    Convolution with im2col copies every pixel many times, and still it is much faster than the
    Python loops at the beginning of the lesson. Why?

    Wrong: It does fewer multiplications
        It does exactly the same ones: each window still meets each kernel. Fewer are needed by
        Fourier transform.
    Wrong: The im2col matrix needs less memory than the picture
        It mostly needs much more: with stride 1, up to kernel height × kernel width times as much.
    Right: It does in a few large steps what the loops do in many small ones
        The loops call PyTorch three times for each output, and each call costs as much as thousands
        of multiply-adds. The copies cost less than all these calls.
    Wrong: Copying costs no time
        It does: the numbers go to memory and back, and the intensity falls. That is why the last
        rung works in blocks that fit into the cache.
    """)
