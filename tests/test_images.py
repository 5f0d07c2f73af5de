"""Pictures: every kind of file against known pixels, channels, tensors and back."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from cnn_basics.images import (
    check_picture,
    check_range,
    read_image,
    resize,
    show_rgb,
    split_channels,
    to_hwc,
    to_nchw,
)

RANDOM = np.random.default_rng(0)
RGB = RANDOM.integers(0, 256, (5, 7, 3), dtype=np.uint8)
GREY = RANDOM.integers(0, 256, (5, 7), dtype=np.uint8)
ALPHA = RANDOM.integers(0, 256, (5, 7), dtype=np.uint8)
ALPHA[0, :3] = 0, 128, 255
BLOCKS = np.kron(RGB, np.ones((8, 8, 1), dtype=np.uint8))  # large enough to be cut off
COLOURS = RGB[0, :4]


def grey_rgb(grey):
    return np.stack([grey] * 3, axis=-1)


def over_white(rgb, alpha):
    share = alpha[..., None] / 255
    return np.rint(rgb * share + 255 * (1 - share)).astype(np.uint8)


@pytest.fixture
def write(tmp_path):
    """Write bytes to a file without a suffix; gives the path."""

    def to_file(data):
        (tmp_path / "picture").write_bytes(data)
        return tmp_path / "picture"

    return to_file


def encoded(picture, kind="PNG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(pixels, colour_type, depth, more=b""):
    """A PNG written by hand: Pillow cannot write 16 bits per colour, nor 1 to 4 bits of grey."""
    height, width = pixels.shape[:2]
    if depth == 16:
        rows = [row.astype(">u2").tobytes() for row in pixels]
    else:
        bits = [np.unpackbits(row[:, None], axis=1)[:, 8 - depth :] for row in pixels]
        rows = [np.packbits(row.ravel()).tobytes() for row in bits]
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    packed = zlib.compress(b"".join(b"\0" + row for row in rows))
    body = chunk(b"IHDR", header) + more + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def palette(indices):
    picture = Image.new("P", (7, 5))
    picture.putdata(indices.ravel().tolist())
    picture.putpalette(COLOURS.tobytes())
    return picture


def plain_files():
    """Name, bytes and expected pixels of files of every kind."""
    rgb, grey = Image.fromarray(RGB), Image.fromarray(GREY)
    for kind in ("PNG", "BMP", "TIFF", "PPM", "ICO"):
        yield f"RGB {kind}", encoded(rgb, kind), RGB
    yield "RGB WEBP", encoded(rgb, "WEBP", lossless=True), RGB
    jpeg = encoded(Image.fromarray(BLOCKS), "JPEG")
    yield "RGB JPEG", jpeg, np.asarray(Image.open(io.BytesIO(jpeg)))
    bits = GREY > 127
    for kind in ("PNG", "TIFF", "BMP"):
        yield f"grey {kind}", encoded(grey, kind), grey_rgb(GREY)
        yield f"bits {kind}", encoded(Image.fromarray(bits), kind), grey_rgb(np.uint8(bits * 255))
    for depth in (1, 2, 4):
        steps = GREY >> (8 - depth)
        white = 2**depth - 1
        yield f"{depth} bits", png(steps, 0, depth), grey_rgb(steps * (255 // white))
    indices = GREY % 4
    for alpha, transparency in [
        ([255] * 4, {}),
        ([255, 0, 255, 255], {"transparency": 1}),
        ([0, 100, 200, 255], {"transparency": bytes([0, 100, 200, 255])}),
    ]:
        expected = over_white(COLOURS[indices], np.array(alpha)[indices])
        yield f"palette {alpha}", encoded(palette(indices), **transparency), expected
    gif = encoded(palette(indices), "GIF", transparency=2)
    yield "GIF", gif, np.where(indices[..., None] == 2, 255, COLOURS[indices])
    rgba, grey_alpha = Image.fromarray(np.dstack([RGB, ALPHA])), np.dstack([GREY, ALPHA])
    for kind in ("PNG", "TIFF"):
        yield f"RGBA {kind}", encoded(rgba, kind), over_white(RGB, ALPHA)
        la = encoded(Image.fromarray(grey_alpha, "LA"), kind)
        yield f"LA {kind}", la, over_white(grey_rgb(GREY), ALPHA)
    expected = RGB.copy()
    expected[2, 3] = 255
    yield "one colour", encoded(rgb, transparency=tuple(RGB[2, 3].tolist())), expected
    expected = grey_rgb(np.where(GREY[2, 3] == GREY, 255, GREY).astype(np.uint8))
    yield "one grey", encoded(grey, transparency=int(GREY[2, 3])), expected
    for ink, colour in [((0, 0, 0, 0), 255), ((0, 255, 255, 0), [255, 0, 0]), ((0, 0, 0, 255), 0)]:
        printed = encoded(Image.new("CMYK", (16, 16), ink), "JPEG", quality=100)
        yield f"CMYK {ink}", printed, np.broadcast_to(np.uint8(colour), (16, 16, 3))
    values = GREY.astype(np.uint16) * 256 + ALPHA
    for kind in ("PNG", "TIFF", "JPEG2000"):
        yield f"16 bits {kind}", encoded(Image.fromarray(values), kind), grey_rgb(GREY)
    yield "16 bits RGB", png(RGB.astype(np.uint16) * 256 + RGB[::-1], 2, 16), RGB
    values = np.dstack([RGB, ALPHA]).astype(np.uint16) * 257
    yield "16 bits RGBA", png(values, 6, 16), over_white(RGB, ALPHA)
    others = [Image.fromarray(255 - BLOCKS), Image.new("RGB", (56, 40))]
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        options = {"save_all": True, "append_images": others}
        pages = encoded(Image.fromarray(BLOCKS), kind, lossless=True, **options)
        assert Image.open(io.BytesIO(pages)).n_frames == 3
        yield f"pages {kind}", pages, BLOCKS


@pytest.mark.parametrize(
    ("data", "expected"), [pytest.param(*f[1:], id=f[0]) for f in plain_files()]
)
def test_every_kind_of_file(write, data, expected):
    picture = read_image(write(data))
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert picture.flags.writeable
    np.testing.assert_array_equal(picture, expected)


def unfit_files():
    for colour_type, shape in [(0, (5, 7)), (2, (5, 7, 3))]:
        values = RANDOM.integers(0, 65536, shape)
        colour = struct.pack(">H" if colour_type == 0 else ">HHH", *np.atleast_1d(values[0, 0]))
        yield png(values, colour_type, 16, chunk(b"tRNS", colour))
    for dtype in (np.float32, np.int32):
        yield encoded(Image.fromarray(GREY.astype(dtype)), "TIFF")
    yield encoded(Image.frombytes("LAB", (7, 5), RGB.tobytes()), "TIFF")


@pytest.mark.parametrize("data", list(unfit_files()), ids=len)
def test_kinds_without_a_fixed_white_are_refused(write, data):
    words = r"picture holds pixels of a kind that has no plain RGB .* save it as an 8-bit PNG"
    with pytest.raises(ValueError, match=words):
        read_image(write(data))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "I;16"])
def test_camera_orientation(write, kind, orientation, mode):
    upright = BLOCKS if mode == "RGB" else BLOCKS[..., 0]
    expected = upright if mode == "RGB" else grey_rgb(upright)
    if mode == "RGBA":
        upright = np.dstack([expected, np.full_like(upright, 255)])
    if mode == "I;16":
        upright = upright.astype(np.uint16) * 256
    if (mode == "RGBA" and kind == "JPEG") or (mode == "I;16" and kind in ("JPEG", "WEBP")):
        kind = "PNG"  # which knows these
    # how each orientation stores an upright picture (EXIF 2.3, page 36)
    stored = {
        1: upright,
        2: np.fliplr(upright),
        3: np.rot90(upright, 2),
        4: np.flipud(upright),
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
    picture = Image.fromarray(np.ascontiguousarray(stored))
    got = read_image(write(encoded(picture, kind, exif=exif, **options.get(kind, {}))))
    assert got.flags.c_contiguous
    assert np.abs(got.astype(int) - expected).max() <= (3 if kind == "JPEG" else 0)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
@pytest.mark.parametrize("block", [b"", b"II*\0\xff\xff\xff\xff", b"\0\x08\0\x02junk", 9, 300])
def test_broken_metadata_are_no_harm(write, recwarn, kind, block):
    exif = Image.Exif()
    if isinstance(block, int):
        exif[0x0112] = block  # an orientation that nobody knows
    exif = exif if isinstance(block, int) else b"Exif\0\0" + block
    options = {"lossless": True} if kind == "WEBP" else {}
    plain = read_image(write(encoded(Image.fromarray(RGB), kind, **options)))
    again = read_image(write(encoded(Image.fromarray(RGB), kind, exif=exif, **options)))
    np.testing.assert_array_equal(again, plain)
    assert len(recwarn) == 0


def test_a_large_jpeg_may_be_decoded_smaller_and_home_is_found(write, monkeypatch):
    path = write(encoded(Image.fromarray(BLOCKS.repeat(8, 0).repeat(8, 1)), "JPEG"))
    assert read_image(str(path)).shape == (320, 448, 3)
    monkeypatch.setenv("HOME", str(path.parent))
    monkeypatch.setenv("USERPROFILE", str(path.parent))
    assert read_image("~/picture", at_least=70).shape == (80, 112, 3)


def test_no_file(tmp_path):
    for missing in (tmp_path / "no.png", "https://example.org/cat.png"):
        with pytest.raises(FileNotFoundError, match=r"does not exist, expected a picture"):
            read_image(missing)
    with pytest.raises(ValueError, match="expected one picture file, got the folder"):
        read_image(tmp_path)


@pytest.mark.parametrize("content", [b"", b"Words.", b"<svg/>", b"\xff\xfe\x00\x01", b"G"])
def test_no_picture(write, content):
    words = r"is not a picture .* \(it begins with" if content else r"is empty \(0 bytes\)"
    with pytest.raises(ValueError, match=rf"/picture {words}"):
        read_image(write(content))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_cut_off(write, kind, part):
    data = encoded(Image.fromarray(BLOCKS), kind)
    with pytest.raises(ValueError, match=r"/picture is ") as caught:
        read_image(write(data[: int(len(data) * part)]))
    assert "\n" not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_by_name(tmp_path_factory, data):
    kind = data.draw(st.sampled_from(["PNG", "GIF"]))
    content = bytearray(encoded(Image.fromarray(RGB), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.bin"
    path.write_bytes(bytes(content))
    try:
        picture, sentence = read_image(path), str(path)
    except ValueError as error:
        picture, sentence = RGB, str(error)
    assert str(path) in sentence
    assert (picture.dtype, picture.shape[2]) == (np.uint8, 3)


@pytest.mark.parametrize("limit", [10, 20])
def test_too_many_pixels(write, monkeypatch, limit):
    large = write(encoded(Image.new("1", (4000, 3000))))
    assert read_image(large).shape == (3000, 4000, 3)
    path = write(encoded(Image.fromarray(RGB)))  # 35: Pillow warns above the limit, raises above 2x
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(ValueError, match=rf"too many pixels, expected at most {limit}: save"):
        read_image(path)


def test_resize_averages_and_copies():
    assert (resize(np.full((6, 4, 3), 9, np.uint8), (3, 2)) == 9).all()
    lines = np.zeros((100, 100, 3), np.uint8)
    lines[:, ::10] = 255
    small = resize(lines, 10)
    assert small.shape == (10, 10, 3)
    assert small.min() > 10
    assert small.max() < 45  # a tenth of the pixels is white: about 25
    assert resize(RGB, [20, np.int64(3)]).shape == (20, 3, 3)
    same = resize(RGB[:, :, ::-1], (5, 7))  # also: not contiguous
    np.testing.assert_array_equal(same, RGB[:, :, ::-1])
    assert not np.shares_memory(same, RGB)


@pytest.mark.parametrize(
    "size", [0, -1, (0, 3), (3,), (1, 2, 3), (), 2.0, "28", None, True, (28, 2.5)]
)
def test_impossible_sizes(size):
    with pytest.raises((TypeError, ValueError), match="give pixels, at least 1"):
        resize(RGB, size)


def test_channels_are_copies_in_order():
    image = RGB.copy()
    channels = split_channels(image)
    assert [channel.dtype for channel in channels] == [np.uint8] * 3
    np.testing.assert_array_equal(np.stack(channels, axis=-1), RGB)
    channels[0][:] = 0
    np.testing.assert_array_equal(image, RGB)


@pytest.mark.parametrize("view", ["grey", "tinted", "recombined"])
def test_channels_drawn(view):
    figure = show_rgb(RGB, view)
    titles = [axes.get_title() for axes in figure.axes]
    shown = [axes.images[0].get_array() for axes in figure.axes]
    signs = [text.get_text() for axes in figure.axes for text in axes.texts]
    if view == "recombined":
        assert titles == ["Picture", "Red", "Green", "Blue", "Recombined"]
        assert signs == ["=", "+", "+", "="]
        np.testing.assert_array_equal(shown[0], RGB)
        np.testing.assert_array_equal(shown[4], RGB)
        shown = shown[1:4]
    else:
        assert (titles, signs) == (["Red", "Green", "Blue"], [])
    for index, panel in enumerate(shown):
        only = np.where(np.arange(3) == index, RGB, 0)
        np.testing.assert_array_equal(panel, RGB[..., index] if view == "grey" else only)
    image = figure.axes[0].images[0]
    assert (image.get_clim(), image.get_cmap().name) == ((0, 255), "gray")
    means = [f"{mean:.0f}" for mean in RGB.mean(axis=(0, 1))]
    assert "5 pixels high and 7 wide" in figure.alt
    assert figure.alt.endswith("of 255: red {}, green {}, blue {}.".format(*means))


def test_all_256_values_return():
    every = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    tensor = to_nchw(every)
    assert tensor.dtype == torch.float32
    assert (tensor.min(), tensor.max()) == (0, 1)
    np.testing.assert_array_equal(to_hwc(tensor)[0], every)
    np.testing.assert_array_equal(to_hwc(tensor.double())[0], every)
    np.testing.assert_array_equal(to_hwc(tensor.half())[0], every)


@settings(max_examples=50, deadline=None)
@given(st.data(), st.sampled_from([1, 3]), st.booleans())
def test_there_and_back(data, channels, scale):
    shape = (*data.draw(st.tuples(*[st.integers(1, 5)] * 3)), channels)
    batch = data.draw(hnp.arrays(np.uint8, shape))
    tensor = to_nchw(batch, scale=scale)
    assert tensor.shape == (shape[0], channels, shape[1], shape[2])
    assert tensor.is_contiguous()
    np.testing.assert_array_equal(to_hwc(tensor), batch)
    np.testing.assert_array_equal(to_hwc(tensor[0]), batch[0])
    np.testing.assert_array_equal(to_hwc(to_nchw(batch[0], scale)), batch[:1])


def test_no_memory_is_shared():
    image = RGB[None, :, :, :1].copy()  # one channel: transposing alone would not copy
    tensor = to_nchw(image, scale=False)
    back = to_hwc(tensor)
    back[:] = 0
    assert (tensor.numpy() == image.transpose(0, 3, 1, 2)).all()
    tensor[:] = 0
    assert image.any()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("scale", [True, False])
def test_floats_from_0_to_1_stay(dtype, scale):
    image = np.linspace(0, 1, 12).reshape(2, 2, 3).astype(dtype)
    tensor = to_nchw(image, scale)
    assert tensor.dtype == torch.float32
    np.testing.assert_array_equal(tensor[0].movedim(0, -1), image.astype(np.float32))


def test_gradients_and_rounding():
    tensor = torch.full((3, 2, 2), 0.5, requires_grad=True)
    assert (to_hwc(tensor) == 128).all()  # 127.5 rounds to the even number
    assert (to_hwc(torch.full((3, 2, 2), 0.4999)) == 127).all()


REFUSED = [
    (check_picture, torch.zeros(3, 4, 5), TypeError, "with to_hwc"),
    (check_picture, [[1, 2, 3]], TypeError, "got a list: read the file first, with read_image"),
    (check_picture, "cat.png", TypeError, r"got cat\.png: read the file"),
    (check_picture, GREY, ValueError, "repeat the grey values"),
    (check_picture, RGB[None], ValueError, "pick one picture"),
    (check_picture, np.zeros((4, 5, 4), np.uint8), ValueError, r"got a uint8 array .*\(4, 5, 4\)"),
    (check_picture, RGB.transpose(2, 0, 1), ValueError, "on the last axis"),
    (check_picture, np.zeros((4, 5, 3)), ValueError, "float64 array .* bring values to 0–255"),
    (check_picture, RGB[:0], ValueError, "holds no pixels"),
    (split_channels, GREY, ValueError, "repeat the grey values"),
    (show_rgb, GREY, ValueError, "repeat the grey values"),
    (lambda image: show_rgb(image, "gray"), RGB, ValueError, "\"recombined\", got 'gray': use one"),
    (lambda image: resize(image, 4), GREY, ValueError, "repeat the grey values"),
    (to_nchw, torch.zeros(1, 3, 4, 4), TypeError, "for tensors there is to_hwc"),
    (to_nchw, [RGB, RGB], TypeError, r"got a list: .* np\.stack"),
    (to_nchw, RGB.astype(np.int64), TypeError, r"\.astype\(np\.uint8\)"),
    (to_nchw, GREY, ValueError, "give grey pictures a channel axis"),
    (to_nchw, RGB.transpose(2, 0, 1), ValueError, "move the channels to the last axis"),
    (to_nchw, RGB[None, None], ValueError, "move the channels to the last axis"),
    (to_nchw, RGB[:0], ValueError, "holds no pixels"),
    (to_nchw, RGB.astype(np.float32), ValueError, "divide a uint8 picture by 255"),
    (to_hwc, RGB, TypeError, "for arrays there is to_nchw"),
    (to_hwc, [torch.zeros(3, 4, 4)], TypeError, r"got a list: .* torch\.stack"),
    (to_hwc, torch.zeros(3, 4, 4, dtype=torch.int64), TypeError, r"\.to\(torch\.uint8\)"),
    (to_hwc, torch.zeros(4, 4), ValueError, r"got a float32 tensor of shape \(4, 4\)"),
    (to_hwc, torch.zeros(1, 16, 4, 4), ValueError, "pick feature maps one by one"),
    (to_hwc, torch.zeros(0, 3, 4, 4), ValueError, "holds no pixels"),
    (to_hwc, torch.full((3, 4, 4), 1.01), ValueError, "values run from 1.01 to 1.01"),
    (to_hwc, torch.full((3, 4, 4), -0.01), ValueError, "values run from -0.01"),
    (check_range, [0.5], TypeError, r"got a list: use torch\.tensor"),
]


@pytest.mark.parametrize(("function", "value", "error", "sentence"), REFUSED)
def test_wrong_values_are_refused(function, value, error, sentence):
    with pytest.raises(error, match=sentence):
        function(value)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "uint8", "bool"])
def test_fitting_values_pass_unchanged(dtype):
    for array in (np.array([[0, 1]]).astype(dtype), np.zeros((0, 3), dtype)):
        assert check_range(array) is array
        tensor = torch.from_numpy(array)
        assert check_range(tensor) is tensor


@pytest.mark.parametrize("make", [np.array, torch.tensor])
@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0.5, 1.2], r"from 0\.5 to 1\.2, expected 0 to 1: divide a uint8 picture by 255$"),
        ([-0.3, 0.0], r"from -0\.3 to 0\.0, .* any other with \(x - x\.min"),
        ([0, 255], r"from 0 to 255, expected 0 to 1: divide a uint8 picture by 255$"),
        ([0, 256], r"from 0 to 256, .* any other with \(x - x\.min"),
        ([0.0, float("inf")], r"values run from 0\.0 to inf"),
        ([0.0, float("nan")], "values contain NaN, expected 0 to 1"),
    ],
)
def test_others_are_named_with_the_fix(make, values, words):
    with pytest.raises(ValueError, match=words):
        check_range(make(values))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_every_dtype_is_named(dtype):
    with pytest.raises(ValueError, match=r"from 0\.5 to 2\.0, expected 0 to 1"):
        check_range(torch.tensor([0.5, 2.0], dtype=dtype, requires_grad=True))


def test_another_range():
    with pytest.raises(ValueError, match="from -2 to 1, expected -1 to 1: scale them first"):
        check_range(np.array([-2, 1]), -1, 1)
