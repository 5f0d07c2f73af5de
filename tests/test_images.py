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

pictures = hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))


def grey_rgb(grey):
    return np.stack([grey] * 3, axis=-1)


def over_white(rgb, alpha):
    share = alpha[..., None] / 255
    return np.rint(rgb * share + 255 * (1 - share)).astype(np.uint8)


@pytest.fixture
def save(tmp_path):
    """Write a Pillow picture or bytes to a file; gives the path."""

    def to_file(picture, kind="PNG", **options):
        path = tmp_path / f"picture.{kind.lower()}"
        if isinstance(picture, bytes):
            path.write_bytes(picture)
        else:
            picture.save(path, kind, **options)
        return path

    return to_file


def encoded(picture, kind, **options):
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


def assert_reads(path, expected):
    picture = read_image(path)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert picture.flags.writeable
    np.testing.assert_array_equal(picture, expected)


class TestReadImage:
    @pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "ICO"])
    def test_rgb(self, save, kind):
        assert_reads(save(Image.fromarray(RGB), kind), RGB)

    def test_webp_without_loss_and_a_path_as_text(self, save):
        assert_reads(str(save(Image.fromarray(RGB), "WEBP", lossless=True)), RGB)

    def test_home(self, save, monkeypatch):
        path = save(Image.fromarray(RGB))
        monkeypatch.setenv("HOME", str(path.parent))
        monkeypatch.setenv("USERPROFILE", str(path.parent))
        assert_reads(f"~/{path.name}", RGB)

    def test_jpeg_as_pillow_decodes_it(self, save):
        path = save(Image.fromarray(BLOCKS), "JPEG")
        with Image.open(path) as picture:
            assert_reads(path, np.asarray(picture))

    @pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
    def test_grey_and_black_and_white(self, save, kind):
        assert_reads(save(Image.fromarray(GREY), kind), grey_rgb(GREY))
        bits = GREY > 127
        assert_reads(save(Image.fromarray(bits), kind), grey_rgb(bits.astype(np.uint8) * 255))

    @pytest.mark.parametrize("depth", [1, 2, 4])
    def test_few_bits_of_grey_reach_white(self, save, depth):
        steps = GREY >> (8 - depth)
        white = 2**depth - 1
        assert_reads(save(png(steps, 0, depth)), grey_rgb(steps * (255 // white)))

    @pytest.mark.parametrize("form", ["opaque", "one index", "table"])
    def test_palette(self, save, form):
        indices = GREY % 4
        colours = RGB[0, :4]
        alpha = {"opaque": [255] * 4, "one index": [255, 0, 255, 255], "table": [0, 100, 200, 255]}
        alpha = np.array(alpha[form])
        picture = Image.new("P", (7, 5))
        picture.putdata(indices.ravel().tolist())
        picture.putpalette(colours.tobytes())
        transparency = {"opaque": None, "one index": 1, "table": bytes(alpha.tolist())}[form]
        options = {} if transparency is None else {"transparency": transparency}
        assert_reads(save(picture, **options), over_white(colours[indices], alpha[indices]))

    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_alpha_is_laid_over_white(self, save, kind):
        picture = Image.fromarray(np.dstack([RGB, ALPHA]))
        assert_reads(save(picture, kind), over_white(RGB, ALPHA))
        picture = Image.fromarray(np.dstack([GREY, ALPHA]), "LA")
        assert_reads(save(picture, kind), over_white(grey_rgb(GREY), ALPHA))

    def test_one_transparent_colour_or_grey(self, save):
        expected = RGB.copy()
        expected[2, 3] = 255
        path = save(Image.fromarray(RGB), transparency=tuple(RGB[2, 3].tolist()))
        assert_reads(path, expected)
        expected = grey_rgb(np.where(GREY[2, 3] == GREY, 255, GREY).astype(np.uint8))
        assert_reads(save(Image.fromarray(GREY), transparency=int(GREY[2, 3])), expected)

    def test_cmyk_jpeg_is_not_a_negative(self, save):
        white, red, black = (0, 0, 0, 0), (0, 255, 255, 0), (0, 0, 0, 255)
        for ink, colour in [(white, [255] * 3), (red, [255, 0, 0]), (black, [0] * 3)]:
            path = save(Image.new("CMYK", (16, 16), ink), "JPEG", quality=100)
            assert_reads(path, np.broadcast_to(np.uint8(colour), (16, 16, 3)))

    @pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG2000"])
    def test_16_bit_grey_keeps_the_upper_8(self, save, kind):
        values = GREY.astype(np.uint16) * 256 + ALPHA
        values[0, :2] = 0, 65535
        path = save(Image.fromarray(values), kind)
        assert_reads(path, grey_rgb((values >> 8).astype(np.uint8)))

    def test_16_bit_colour_keeps_the_upper_8(self, save):
        values = RGB.astype(np.uint16) * 256 + RGB[::-1]
        assert_reads(save(png(values, 2, 16)), RGB)
        values = np.dstack([RGB, ALPHA]).astype(np.uint16) * 257
        assert_reads(save(png(values, 6, 16)), over_white(RGB, ALPHA))

    @pytest.mark.parametrize(("colour_type", "shape"), [(0, (5, 7)), (2, (5, 7, 3))])
    def test_16_bit_with_one_transparent_colour_is_refused(self, save, colour_type, shape):
        values = RANDOM.integers(0, 65536, shape)
        colour = struct.pack(">H" if colour_type == 0 else ">HHH", *np.atleast_1d(values[0, 0]))
        path = save(png(values, colour_type, 16, chunk(b"tRNS", colour)))
        with pytest.raises(
            ValueError,
            match=r"picture\.png, which holds pixels of a kind .* save it as an 8-bit PNG",
        ):
            read_image(path)

    def test_numbers_without_a_fixed_white_and_lab_are_refused(self, save):
        kinds = [Image.fromarray(GREY.astype(dtype)) for dtype in (np.float32, np.int32)]
        for picture in (*kinds, Image.frombytes("LAB", (7, 5), RGB.tobytes())):
            path = save(picture, "TIFF")
            with pytest.raises(ValueError, match=r"of a kind that has no plain RGB value"):
                read_image(path)

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP"])
    @pytest.mark.parametrize("mode", ["RGB", "L"])
    def test_camera_orientation(self, save, kind, orientation, mode):
        upright = BLOCKS if mode == "RGB" else BLOCKS[..., 0]
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
        got = read_image(save(picture, kind, exif=exif, **options.get(kind, {})))
        assert got.flags.c_contiguous
        expected = upright if mode == "RGB" else grey_rgb(upright)
        rounding = 3 if kind == "JPEG" else 0
        assert np.abs(got.astype(int) - expected).max() <= rounding

    @pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
    @pytest.mark.parametrize("block", [b"", b"II*\0\xff\xff\xff\xff", b"\0\x08\0\x02junk", 9, 300])
    def test_broken_metadata_are_no_harm(self, save, kind, block):
        exif = Image.Exif()
        if isinstance(block, int):
            exif[0x0112] = block  # an orientation that nobody knows
        exif = exif if isinstance(block, int) else b"Exif\0\0" + block
        options = {"WEBP": {"lossless": True}}.get(kind, {})
        plain = read_image(save(Image.fromarray(RGB), kind, **options))
        assert_reads(save(Image.fromarray(RGB), kind, exif=exif, **options), plain)

    def test_a_large_jpeg_may_be_decoded_smaller(self, save):
        path = save(Image.fromarray(BLOCKS.repeat(8, 0).repeat(8, 1)), "JPEG")
        assert read_image(path).shape == (320, 448, 3)
        assert read_image(path, at_least=70).shape == (80, 112, 3)

    @pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
    def test_first_frame_or_page(self, save, kind):
        first = Image.fromarray(BLOCKS)
        others = [Image.fromarray(255 - BLOCKS), Image.new("RGB", first.size)]
        options = {"lossless": True} if kind == "WEBP" else {}
        path = save(first, kind, save_all=True, append_images=others, **options)
        with Image.open(path) as written:
            assert written.n_frames == 3
        assert_reads(path, BLOCKS)

    def test_transparent_gif(self, save):
        indices = GREY % 3
        picture = Image.new("P", (7, 5))
        picture.putdata(indices.ravel().tolist())
        picture.putpalette(RGB[0, :3].tobytes())
        expected = np.where(indices[..., None] == 2, 255, RGB[0, :3][indices])
        assert_reads(save(picture, "GIF", transparency=2), expected)


class TestUnreadable:
    def test_no_file(self, tmp_path, save):
        for missing in (tmp_path / "no.png", "https://example.org/cat.png"):
            with pytest.raises(FileNotFoundError, match=r"does not exist, expected a picture"):
                read_image(missing)
        with pytest.raises(ValueError, match="expected one picture file, got the folder"):
            read_image(tmp_path)
        with pytest.raises(ValueError, match=r"picture\.png is empty \(0 bytes\)"):
            read_image(save(b""))

    @pytest.mark.parametrize("content", [b"These are words.", b"<svg/>", b"\xff\xfe\x00\x01", b"G"])
    def test_no_picture(self, save, content):
        with pytest.raises(ValueError, match=r"picture\.jpg is not a picture .* \(it begins with"):
            read_image(save(content, "jpg"))

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
    @pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
    def test_cut_off(self, save, kind, part):
        data = encoded(Image.fromarray(BLOCKS), kind)
        path = save(data[: int(len(data) * part)], kind)
        with pytest.raises(ValueError, match=rf"picture\.{kind.lower()} is ") as caught:
            read_image(path)
        assert "\n" not in str(caught.value)

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_a_damaged_file_is_read_or_refused_by_name(self, tmp_path_factory, data):
        content = bytearray(
            encoded(Image.fromarray(RGB), data.draw(st.sampled_from(["PNG", "GIF"])))
        )
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path = tmp_path_factory.getbasetemp() / "damaged.bin"
        path.write_bytes(bytes(content))
        try:
            picture, sentence = read_image(path), str(path)
        except ValueError as error:
            picture, sentence = RGB, str(error)
        assert str(path) in sentence
        assert picture.dtype == np.uint8
        assert picture.shape[2] == 3

    @pytest.mark.parametrize("limit", [10, 20])
    def test_too_many_pixels(self, save, monkeypatch, limit):
        path = save(
            Image.fromarray(RGB)
        )  # 35 pixels: Pillow warns above the limit, raises above 2x
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(ValueError, match=rf"too many pixels, expected at most {limit}: save"):
            read_image(path)

    def test_a_large_but_reasonable_picture_is_read(self, save):
        assert read_image(save(Image.new("1", (4000, 3000)))).shape == (3000, 4000, 3)


class TestResize:
    def test_whole_blocks_average(self):
        assert (resize(np.full((6, 4, 3), 9, np.uint8), (3, 2)) == 9).all()

    def test_thin_lines_turn_grey_instead_of_vanishing(self):
        lines = np.zeros((100, 100, 3), np.uint8)
        lines[:, ::10] = 255
        small = resize(lines, 10)
        assert small.shape == (10, 10, 3)
        assert small.min() > 10
        assert small.max() < 45  # a tenth of the pixels is white: about 25

    def test_height_comes_first(self):
        assert resize(RGB, (2, 3)).shape == (2, 3, 3)
        assert resize(RGB, [20, np.int64(3)]).shape == (20, 3, 3)

    def test_the_same_size_is_a_copy(self):
        same = resize(RGB[:, :, ::-1], (5, 7))  # also: not contiguous
        np.testing.assert_array_equal(same, RGB[:, :, ::-1])
        assert not np.shares_memory(same, RGB)

    @pytest.mark.parametrize("size", [0, -1, (0, 3), (3,), (1, 2, 3), ()])
    def test_impossible_size(self, size):
        with pytest.raises(ValueError, match="give pixels, at least 1"):
            resize(RGB, size)

    @pytest.mark.parametrize("size", [2.0, "28", None, True, (28, 2.5)])
    def test_size_of_the_wrong_type(self, size):
        with pytest.raises(TypeError, match="give pixels"):
            resize(RGB, size)


WRONG_PICTURES = [
    (torch.zeros(3, 4, 5), TypeError, "with to_hwc"),
    ([[1, 2, 3]], TypeError, r"got a list: read the file first, with read_image"),
    ("cat.png", TypeError, r"got cat\.png: read the file"),
    (np.zeros((4, 5), np.uint8), ValueError, "repeat the grey values"),
    (np.zeros((2, 4, 5, 3), np.uint8), ValueError, "pick one picture"),
    (np.zeros((4, 5, 4), np.uint8), ValueError, r"got a uint8 array of shape \(4, 5, 4\)"),
    (np.zeros((3, 4, 5), np.uint8), ValueError, "on the last axis"),
    (np.zeros(3, np.uint8), ValueError, "on the last axis"),
    (np.zeros((4, 5, 3)), ValueError, "float64 array .* bring values to 0–255"),
    (np.zeros((0, 5, 3), np.uint8), ValueError, "holds no pixels"),
]


@pytest.mark.parametrize(("image", "error", "sentence"), WRONG_PICTURES)
@pytest.mark.parametrize(
    "function", [check_picture, split_channels, show_rgb, lambda image: resize(image, 4)]
)
def test_wrong_pictures(function, image, error, sentence):
    with pytest.raises(error, match=sentence):
        function(image)


class TestChannels:
    @settings(max_examples=50, deadline=None)
    @given(pictures)
    def test_stacked_again_they_are_the_picture(self, image):
        channels = split_channels(image)
        assert [channel.dtype for channel in channels] == [np.uint8] * 3
        np.testing.assert_array_equal(np.stack(channels, axis=-1), image)

    def test_red_comes_first_and_is_a_copy(self):
        image = RGB.copy()
        red, green, blue = split_channels(image)
        np.testing.assert_array_equal(blue, RGB[..., 2])
        np.testing.assert_array_equal(green, RGB[..., 1])
        red[:] = 0
        np.testing.assert_array_equal(image, RGB)

    @pytest.mark.parametrize("view", ["grey", "tinted"])
    def test_three_panels(self, view):
        figure = show_rgb(RGB, view)
        assert [axes.get_title() for axes in figure.axes] == ["Red", "Green", "Blue"]
        for index, axes in enumerate(figure.axes):
            shown = axes.images[0]
            if view == "grey":
                np.testing.assert_array_equal(shown.get_array(), RGB[..., index])
                assert (shown.get_clim(), shown.get_cmap().name) == ((0, 255), "gray")
            else:
                only = np.where(np.arange(3) == index, RGB, 0)
                np.testing.assert_array_equal(shown.get_array(), only)
            assert not axes.texts

    def test_recombined_view(self):
        figure = show_rgb(RGB, view="recombined")
        titles = [axes.get_title() for axes in figure.axes]
        assert titles == ["Picture", "Red", "Green", "Blue", "Recombined"]
        shown = [axes.images[0].get_array() for axes in figure.axes]
        np.testing.assert_array_equal(shown[0], RGB)
        np.testing.assert_array_equal(shown[1] + shown[2] + shown[3], RGB)
        np.testing.assert_array_equal(shown[4], RGB)
        signs = [axes.texts[0].get_text() for axes in figure.axes[1:]]
        assert signs == ["=", "+", "+", "="]

    @pytest.mark.parametrize("view", ["grey", "tinted", "recombined"])
    def test_alt_text_has_the_numbers(self, view):
        image = np.zeros((4, 6, 3), np.uint8)
        image[..., 0], image[:2, :, 1] = 200, 100
        alt = show_rgb(image, view).alt
        assert "4 pixels high and 6 wide" in alt
        assert alt.endswith("mean out of 255: red 200, green 50, blue 0.")

    def test_unknown_view(self):
        with pytest.raises(ValueError, match=r'"tinted" or "recombined", got \'gray\': use one'):
            show_rgb(RGB, view="gray")


class TestTensors:
    def test_all_256_values_return(self):
        every = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
        tensor = to_nchw(every)
        assert tensor.dtype == torch.float32
        assert (tensor.min(), tensor.max()) == (0, 1)
        np.testing.assert_array_equal(to_hwc(tensor)[0], every)
        np.testing.assert_array_equal(to_hwc(tensor.double())[0], every)
        np.testing.assert_array_equal(to_hwc(tensor.half())[0], every)

    @settings(max_examples=50, deadline=None)
    @given(st.data(), st.sampled_from([1, 3]), st.booleans())
    def test_there_and_back(self, data, channels, scale):
        shape = (*data.draw(st.tuples(*[st.integers(1, 5)] * 3)), channels)
        batch = data.draw(hnp.arrays(np.uint8, shape))
        tensor = to_nchw(batch, scale=scale)
        assert tensor.shape == (shape[0], channels, shape[1], shape[2])
        assert tensor.is_contiguous()
        np.testing.assert_array_equal(to_hwc(tensor), batch)
        np.testing.assert_array_equal(to_hwc(tensor[0]), batch[0])
        np.testing.assert_array_equal(to_hwc(to_nchw(batch[0], scale)), batch[:1])

    def test_no_memory_is_shared(self):
        image = RGB[None, :, :, :1].copy()  # one channel: transposing alone would not copy
        tensor = to_nchw(image, scale=False)
        back = to_hwc(tensor)
        back[:] = 0
        assert (tensor.numpy() == image.transpose(0, 3, 1, 2)).all()
        tensor[:] = 0
        assert image.any()

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    @pytest.mark.parametrize("scale", [True, False])
    def test_floats_from_0_to_1_stay(self, dtype, scale):
        image = np.linspace(0, 1, 12).reshape(2, 2, 3).astype(dtype)
        tensor = to_nchw(image, scale)
        assert tensor.dtype == torch.float32
        np.testing.assert_array_equal(tensor[0].movedim(0, -1), image.astype(np.float32))

    def test_gradients_and_rounding(self):
        tensor = torch.full((3, 2, 2), 0.5, requires_grad=True)
        assert (to_hwc(tensor) == 128).all()  # 127.5 rounds to the even number
        assert (to_hwc(torch.full((3, 2, 2), 0.4999)) == 127).all()

    @pytest.mark.parametrize(
        ("image", "error", "sentence"),
        [
            (torch.zeros(1, 3, 4, 4), TypeError, "for tensors there is to_hwc"),
            ([RGB, RGB], TypeError, r"got a list: .* np\.stack"),
            (RGB.astype(np.int64), TypeError, r"\.astype\(np\.uint8\)"),
            (GREY, ValueError, "give grey pictures a channel axis"),
            (RGB.transpose(2, 0, 1), ValueError, "move the channels to the last axis"),
            (np.dstack([RGB, ALPHA]), ValueError, "move the channels to the last axis"),
            (RGB[None, None], ValueError, "move the channels to the last axis"),
            (RGB[:0], ValueError, "holds no pixels"),
            (RGB.astype(np.float32), ValueError, "divide a uint8 picture by 255"),
        ],
    )
    def test_to_nchw_refuses(self, image, error, sentence):
        with pytest.raises(error, match=sentence):
            to_nchw(image)

    @pytest.mark.parametrize(
        ("tensor", "error", "sentence"),
        [
            (RGB, TypeError, "for arrays there is to_nchw"),
            ([torch.zeros(3, 4, 4)], TypeError, r"got a list: .* torch\.stack"),
            (torch.zeros(3, 4, 4, dtype=torch.int64), TypeError, r"\.to\(torch\.uint8\)"),
            (torch.zeros(4, 4), ValueError, r"got a float32 tensor of shape \(4, 4\)"),
            (torch.zeros(4, 4, 3), ValueError, "move the channels"),
            (torch.zeros(1, 16, 4, 4), ValueError, "pick feature maps one by one"),
            (torch.zeros(0, 3, 4, 4), ValueError, "holds no pixels"),
            (torch.full((3, 4, 4), 1.01), ValueError, "values run from 1.01 to 1.01"),
            (torch.full((3, 4, 4), -0.01), ValueError, "values run from -0.01"),
        ],
    )
    def test_to_hwc_refuses(self, tensor, error, sentence):
        with pytest.raises(error, match=sentence):
            to_hwc(tensor)


class TestCheckRange:
    @pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "uint8", "bool"])
    def test_fitting_values_pass_unchanged(self, dtype):
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
            (
                [0, 255],
                r"values run from 0 to 255, expected 0 to 1: divide a uint8 picture by 255$",
            ),
            ([0, 256], r"from 0 to 256, .* any other with \(x - x\.min"),
            ([0.0, float("inf")], r"values run from 0\.0 to inf"),
            ([0.0, float("nan")], "values contain NaN, expected 0 to 1"),
        ],
    )
    def test_others_are_named_with_the_fix(self, make, values, words):
        with pytest.raises(ValueError, match=words):
            check_range(make(values))

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
    def test_every_dtype_is_named(self, dtype):
        with pytest.raises(ValueError, match=r"from 0\.5 to 2\.0, expected 0 to 1"):
            check_range(torch.tensor([0.5, 2.0], dtype=dtype, requires_grad=True))

    def test_another_range_and_another_type(self):
        with pytest.raises(ValueError, match="from -2 to 1, expected -1 to 1: scale them first"):
            check_range(np.array([-2, 1]), -1, 1)
        with pytest.raises(TypeError, match=r"got a list: use torch\.tensor"):
            check_range([0.5])
