"""What lesson 1 asks: images and channels."""

import torch

from cnn_basics.exercises.content import Draw, Exercise, Question, numbers

CUT = Exercise("""
    1.1 · The shape of a part (difficulty 1, importance 3, 3 minutes)
    The batch `pictures` has the shape (16, 3, 28, 40), in PyTorch's order. Which shape has
    `pictures[:4, 1, 20:]`? Give `cut_shape` as a tuple of whole numbers, without running it.

    Answer: cut_shape = (4, 28 - 20, 40)
    Wrong: (4, 1, 8, 40)
        You keep the channel axis. A plain index such as 1 takes its axis away; only a slice, such
        as 1:2, would keep it.
    Wrong: (4, 20, 40)
        You read 20: as the first 20 rows. It starts at row 20 and goes to the end, so of 28 rows 8
        are left.
    Wrong: (4, 28, 20)
        You cut columns. The third index belongs to the third axis, H, because the order is (N, C,
        H, W): rows are cut, and the width stays whole.
    Wrong: (5, 8, 40)
        You count the end of :4 in. A slice stops before its end, so it takes pictures 0, 1, 2 and
        3.
    Hint: Write the axes N, C, H, W in a row, and under each the index that belongs to it.
    Hint: One of the three indices is a plain number: what becomes of its axis? No index is given
    for W: what becomes of that one?
    Hint: `:4` leaves 4 pictures, `1` removes the channel axis, and `20:` leaves 28 - 20 rows.
    Why: Indices belong to the axes from the left: `:4` to N, `1` to C, which vanishes, and `20:` to
    H; the width has no index and stays 40.
    """)


def to_grey(pictures):
    red, green, blue = pictures[:, 0:1], pictures[:, 1:2], pictures[:, 2:3]
    return 0.299 * red + 0.587 * green + 0.114 * blue


GREY = Exercise(
    """
    1.2 · A grey batch (difficulty 2, importance 2, 7 minutes)
    Write `to_grey(pictures)`: it takes a batch of shape (N, 3, H, W) with the channels red, green,
    blue, and returns the grey batch of shape (N, 1, H, W). Use the weights of BT.601: 0.299, 0.587
    and 0.114. Do not round.

    Wrong: pictures.mean(dim=1, keepdim=True)
        You take the plain mean, so pure red, green and blue become one and the same grey. Multiply
        each channel by its own weight, and add up.
    Wrong: to_grey(pictures)[:, 0]
        You drop the channel axis: PyTorch's layers need it, even with one channel. Slices such as
        pictures[:, 0:1] keep it.
    Wrong: to_grey(pictures.flip(1))
        You weight the channels in the order blue, green, red. Channel 0 is red and gets 0.299,
        channel 2 is blue and gets 0.114.
    Wrong: pictures * numbers([0.299, 0.587, 0.114]).view(3, 1, 1)
        You multiply the channels by their weights, but do not add them up, so three of them are
        left. Grey is their sum: one number for each pixel.
    Hint: Which axis of (N, 3, H, W) holds red, green and blue? Which part of the batch is red?
    Hint: `pictures[:, 0]` is red, but has no channel axis any more. `pictures[:, 0:1]` keeps it.
    Hint: Add three terms; the first of them is 0.299 * pictures[:, 0:1].
    Why: Each slice has the shape (N, 1, H, W), and the weighted sum of the three keeps that shape:
    one grey number for each pixel of each picture.
    """,
    to_grey,
    cases=[
        (numbers([200, 100, 50]).view(1, 3, 1, 1),),
        (numbers([[10, 0], [0, 10], [0, 0]]).view(1, 3, 1, 2),),
    ],
    random_case=lambda draw: (
        draw.tensor(draw.randint(1, 3), 3, draw.randint(1, 3), draw.randint(1, 4), low=0, high=9),
    ),
)


def to_batch(pictures):
    batch = torch.stack(pictures)
    batch = batch[..., [2, 1, 0]]
    return batch.permute(0, 3, 1, 2).float() / 255


def some_pictures(draw: Draw) -> tuple:
    shape = draw.randint(1, 3), draw.randint(1, 3), 3
    pictures = [51 * draw.tensor(*shape, low=0, high=5) for _ in range(draw.randint(1, 2))]
    return ([picture.to(torch.uint8) for picture in pictures],)


BATCH = Exercise(
    """
    1.3 · From a camera to a batch (difficulty 3, importance 3, 10 minutes)
    A camera gives you pictures of shape (H, W, 3), `uint8`, in the order blue, green, red. Write
    `to_batch(pictures)`: it takes a list of N such tensors, all of the same shape, and returns one
    `float32` tensor of shape (N, 3, H, W), in the order red, green, blue, with values from 0 to 1.
    Do not use `images.to_nchw`.

    Wrong: batch.permute(0, 3, 1, 2) → batch.reshape(len(batch), 3, *batch.shape[1:3])
        You cut the numbers into a new shape with view or reshape, so each channel mixes the colours
        of neighbouring pixels. Move the axes instead: permute(0, 3, 1, 2).
    Wrong: 0, 3, 1, 2 → 0, 3, 2, 1
        You swap height and width, so every picture lies on its side. The old axes are (N, H, W, C)
        = (0, 1, 2, 3), and the new order is permute(0, 3, 1, 2).
    Wrong: 2, 1, 0 → 0, 1, 2
        You leave the channels in the order blue, green, red: faces turn blue. Reverse the channel
        axis as well.
    Wrong: / 255 →
        You change the dtype but leave the values between 0 and 255. Divide by 255.
    Wrong: torch.stack(pictures).permute(0, 3, 1, 2).flip(3) / 255
        You reverse the last axis after permute, and by then that is the width: the pictures are
        mirrored, and the colours stay swapped. After permute the channels are axis 1.
    Hint: Four steps: one tensor from the list, the order of the colours, the order of the axes, the
    range.
    Hint: `torch.stack` makes (N, H, W, 3). In it the channels are the last axis: reverse that.
    PyTorch has no step of -1 in slices; use `[..., [2, 1, 0]]` or `flip(3)`.
    Hint: After that, permute(0, 3, 1, 2) moves the channels forward; at last divide by 255.
    Why: Stacking puts N in front, the index list [2, 1, 0] reverses only the channel axis, permute
    moves whole axes without mixing pixels, and dividing by 255 brings the values to 0 to 1.
    Without: to_nchw
    """,
    to_batch,
    cases=[
        ([torch.tensor([[[0, 51, 255]]], dtype=torch.uint8)],),
        ([torch.tensor([[[255, 0, 0], [0, 0, 102]]], dtype=torch.uint8)],),
        ([torch.tensor([[[0, 51, 102]], [[153, 204, 255]]], dtype=torch.uint8)],),
    ],
    random_case=some_pictures,
    asks_dtype=True,
)

NUMBERED = Question("""
    1.4 · Which number is it (difficulty 2, importance 3, 3 minutes)
    `numbered = torch.arange(18).view(2, 3, 3)` is a picture in the order (H, W, C): 2 rows, 3
    columns, 3 channels. `permuted = numbered.permute(2, 0, 1)`. Which number is `permuted[1, 1,
    2]`?

    Wrong: 11
        That is what view(3, 2, 3) would give: it counts 11 numbers on in memory. permute keeps each
        pixel's three numbers together, at the same row and column.
    Wrong: 14
        You read the index in the old order: row 1, column 1, channel 2. After permute the channel
        comes first: channel 1, row 1, column 2.
    Right: 16
        Channel 1, row 1, column 2. One row of 9 numbers and two pixels of 3 numbers lie before that
        pixel, and green is its number 1: 9 + 6 + 1.
    Wrong: 15
        That is the right pixel, but its red. Channels are counted from 0, so channel 1 is green,
        the next number.
    """)
