"""What lesson 4 asks: reshaping."""

from cnn_basics.exercises.content import Draw, Exercise, Question, numbers

PLACE = Exercise("""
    4.1 · A place in memory (difficulty 1, importance 2, 3 minutes)
    A contiguous tensor has the shape (2, 3, 4). In which place in memory, counted from 0, lies its
    element `[1, 2, 1]`? Work it out without running code, and set `place_in_memory` to that number.

    Answer: place_in_memory = 1 * (3 * 4) + 2 * 4 + 1
    Wrong: 11
        You let the first axis run fastest. In PyTorch the last axis does: one step along it skips 1
        number, one step along the first axis skips a whole matrix.
    Wrong: 12
        You multiply each index by the size of its own axis. One step along an axis skips as many
        numbers as the sizes of all axes after it give, multiplied.
    Wrong: 22
        You count from 1. Twenty-one numbers lie before this one, so counted from 0 its place is one
        less.
    Wrong: 4
        You only add the indices. A step along axis 0 or 1 skips more than one number: multiply each
        index by the stride of its axis first.
    Hint: How many numbers does one step along the last axis skip? And one along the axis before it?
    Hint: The strides are the sizes of all axes further right, multiplied: 3 · 4, then 4, then 1.
    Hint: Multiply each index by the stride of its axis: 1 · 12 + 2 · 4 + 1 · 1.
    Why: One whole matrix of 12 numbers lies before the element, then two rows of 4, then one
    number.
    """)


def channel_rows(pixels):
    return pixels.permute(0, 3, 1, 2).flatten(1)


ROWS = Exercise(
    """
    4.2 · Flat rows, channel by channel (difficulty 2, importance 3, 7 minutes)
    Write `channel_rows(pixels)`. It takes pictures as files hold them, of shape (N, H, W, C), and
    returns one flat row for each, of shape (N, C · H · W): first the whole channel 0, row by row,
    then the whole channel 1, and so on.

    Wrong: pixels.flatten(1)
        Your rows are still in the order of the memory: all channels of one pixel, then those of the
        next. `view` and `flatten` move no axis. Bring the channels forward with permute first.
    Wrong: 0, 3, 1, 2 → 0, 3, 2, 1
        You swap height and width: each channel is read column by column. H comes before W:
        permute(0, 3, 1, 2).
    Wrong: flatten(1) → view(len(pixels), -1)
        The axes are in the right order, but after permute the tensor is not contiguous, so `view`
        gives up. Use `flatten(1)` or `reshape`, which copy where they must.
    Wrong: flatten(1) → flatten()
        You flatten the pictures into each other. Axis 0 has to stay, with one row for each picture:
        `flatten(1)`.
    Hint: In which order must the axes N, H, W and C stand, so that the last one runs along a row of
    one channel?
    Hint: The order is N, C, H, W. Only `permute` puts axes into another order; it wants the old
    places of the axes.
    Hint: `pixels.permute(0, 3, 1, 2)` has the shape (N, C, H, W). Now keep axis 0 and flatten the
    rest.
    Why: permute moves the channels before the height and width, and flatten(1) then reads each
    picture in this order, with a copy, since the permuted tensor is not contiguous.
    """,
    channel_rows,
    cases=[
        (numbers(range(6)).view(1, 1, 2, 3),),
        (numbers(range(8)).view(1, 2, 2, 2),),
        (numbers(range(12)).view(2, 1, 3, 2),),
    ],
    random_case=lambda draw: (draw.tensor(*(draw.randint(1, 3) for _ in range(4)), low=0),),
)


def cut_tiles(picture, size):
    channels, height, width = picture.shape
    rows, columns = height // size, width // size
    grid = picture.reshape(channels, rows, size, columns, size)
    return grid.permute(1, 3, 0, 2, 4).reshape(-1, channels, size, size)


def one_picture(draw: Draw) -> tuple:
    size, rows, columns = draw.randint(1, 3), draw.randint(1, 3), draw.randint(1, 3)
    return draw.tensor(draw.randint(1, 2), rows * size, columns * size, low=0, high=9), size


TILES = Exercise(
    """
    4.3 · A picture cut into tiles (difficulty 3, importance 2, 15 minutes)
    Write `cut_tiles(picture, size)`. It cuts a picture of shape (C, H, W) into square tiles that do
    not overlap, and returns them as a batch of shape (number of tiles, C, size, size): the top row
    of tiles from left to right, then the row below it. H and W are multiples of `size`. Try it
    without a loop.

    Wrong: picture.reshape(-1, len(picture), size, size)
        You cut the row of numbers in memory into pieces of the right length. A tile takes a few
        numbers of one row, then some of the next: give the place within a tile axes of its own,
        then use permute.
    Wrong: 1, 3, 0, 2, 4 → 3, 1, 0, 2, 4
        Your tiles are right, but they are counted down the columns. The row of tiles must come
        before the column of tiles: axes 1, then 3.
    Wrong: 1, 3, 0, 2, 4 → 0, 1, 3, 2, 4
        You leave the channels in front, so all tiles of channel 0 come before those of channel 1,
        and the last reshape puts tiles of one channel together. Move the channels behind the two
        axes that count tiles.
    Wrong: rows, size, columns, size → size, rows, size, columns; 1, 3, 0, 2, 4 → 2, 4, 0, 1, 3
        You split each side the wrong way round, so neighbours in a tile were not neighbours in the
        picture. Of the two new axes the tile comes first, then the place within it: (rows, size),
        not (size, rows).
    Hint: Split the height into two axes: which tile, and which row within it. Split the width in
    the same way.
    Hint: `picture.reshape(C, rows, size, columns, size)` moves nothing yet. Which order of these
    five axes do you need?
    Hint: Two axes count tiles, then comes the channel, then the place: permute(1, 3, 0, 2, 4). A
    last reshape makes one axis of the first two.
    Why: The reshape gives the tile and the place within it axes of their own, permute puts the two
    axes that count tiles in front, and the last reshape joins just these two.
    """,
    cut_tiles,
    cases=[
        (numbers(range(8)).view(1, 2, 4), 2),
        (numbers(range(16)).view(1, 4, 4), 2),
        (numbers(range(16)).view(2, 2, 4), 2),
    ],
    random_case=one_picture,
)

OWN_MEMORY = Question("""
    4.4 · Whose memory (difficulty 2, importance 2, 2 minutes)
    `x = torch.arange(12).view(4, 3)`. You change one number of a tensor made from `x`, and `x`
    stays as it was. Which tensor can that have been?

    Wrong: x.T
        Transposing moves no numbers: it only swaps the strides. The change would be seen in x.
    Wrong: x.reshape(12)
        reshape copies only where it must. x is contiguous, so it gives a view, and the change would
        be seen in x.
    Right: x.T.reshape(12)
        No single stride reads x.T row by row, so here reshape has to copy. The copy has a memory of
        its own.
    Wrong: x.unsqueeze(0)
        An axis of size 1 is only another note on how to read the same numbers. The change would be
        seen in x.
    """)
