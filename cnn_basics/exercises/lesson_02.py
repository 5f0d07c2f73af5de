"""What lesson 2 asks: the fully connected layer."""

import torch.nn.functional as F

from cnn_basics.exercises.content import Draw, Exercise, Question, numbers

COUNT = Exercise("""
    2.1 · Two layers, how many weights (difficulty 1, importance 3, 4 minutes)
    Grey pictures of 4×6 pixels are flattened. They go through a fully connected layer with 5
    neurons, and its outputs through a second one with 2 neurons. Give `how_many`: the number of
    weights and biases of both layers together.

    Answer: how_many = (4 * 6 * 5 + 5) + (5 * 2 + 2)
    Wrong: 4 * 6 * 5 + 5 * 2
        You count the weights, but not the biases. Every neuron has one: 5 in the first layer and 2
        in the second.
    Wrong: 4 * 6 * 5 + 1 + 5 * 2 + 1
        You count one bias for each layer. There is one for each neuron: 5 and 2.
    Wrong: 4 * 6 * 5 + 5 + 4 * 6 * 2 + 2
        You let the second layer read the pixels. It reads the outputs of the first layer, so each
        of its neurons has 5 weights.
    Wrong: 6 * 5 + 5 + 5 * 2 + 2
        You count one row of the picture as the inputs. A flattened picture of 4×6 pixels has 24
        numbers, and each neuron has a weight for every one of them.
    Hint: How many inputs has a neuron of the first layer? And one of the second?
    Hint: A layer has inputs × outputs weights, and as many biases as outputs.
    Hint: The first layer has 24 · 5 weights and 5 biases. The second has 5 inputs and 2 outputs.
    Why: Each neuron has one weight for every input and one bias; the 5 outputs of the first layer
    are the inputs of the second.
    """)


def layer(pictures, weight, bias):
    flat = pictures.flatten(1)
    return F.relu(flat @ weight.T + bias)


def one_layer(draw: Draw) -> tuple:
    number, height, width = draw.randint(1, 3), draw.randint(1, 3), draw.randint(1, 3)
    outputs = draw.randint(1, 3)
    weight = draw.tensor(outputs, height * width)
    return draw.tensor(number, height, width), weight, draw.tensor(outputs)


LAYER = Exercise(
    """
    2.2 · A layer for pictures (difficulty 2, importance 3, 8 minutes)
    Write `layer(pictures, weight, bias)`: it flattens each of the grey pictures, of shape (N, H,
    W), row after row, sends them through a fully connected layer and then through ReLU. `weight`
    has PyTorch's shape (out, H·W), `bias` has (out,). Return shape (N, out). Do not use `F.linear`.

    Wrong: weight.T + bias) → weight.T) + bias
        You add the bias after ReLU, so the outputs can be negative again. The bias belongs to the
        weighted sum: add it first, then apply ReLU.
    Wrong: F.relu →
        You leave ReLU out: negative outputs must become zero.
    Wrong: weight.T → weight.reshape(weight.T.shape)
        You re-cut the weight to (in, out) with reshape or view, which mixes the weights of
        different neurons. Transpose it, with weight.T: then each neuron is a column.
    Wrong: pictures → pictures.transpose(1, 2)
        You flatten the pictures column by column, so the pixels meet the weights of others. Lay the
        rows one after another: pictures.flatten(1).
    Wrong: + bias →
        You leave the bias out: each neuron adds its own number to the weighted sum.
    Wrong: bias → bias[:, None]
        Your bias has the shape (out, 1), so it is copied to the right: each row gets a number of
        its own, or the shapes do not fit. Leave it as (out,): it is copied down.
    Hint: Three steps: flatten, weighted sums plus bias, ReLU. Which shape is there after each?
    Hint: `pictures.flatten(1)` is (N, H·W). To give (N, out) it must be multiplied by (H·W, out).
    Hint: `weight.T` has just that shape. Add `bias` as it is, and put F.relu around all of it.
    Why: The flat batch (N, H·W) times weight.T (H·W, out) gives (N, out), the bias of shape (out,)
    is copied down for every picture, and ReLU comes last.
    Without: linear, Linear
    """,
    layer,
    cases=[
        (numbers([[[1, 2]]]), numbers([[3, 0], [0, -1]]), numbers([1, 1])),
        (numbers([[[1, 2], [3, 5]]]), numbers([[1, 0, 2, 0], [0, 1, 0, -1]]), numbers([1, 0])),
        (
            numbers([[[1, 2], [0, 1]], [[0, 1], [1, 0]]]),
            numbers([[1, -1, 2, 0], [0, 1, 0, 1], [1, 1, 1, -4]]),
            numbers([2, -2, 0]),
        ),
    ],
    random_case=one_layer,
)


def mirror_weight(weight, height, width):
    pictures = weight.view(-1, height, width)
    return pictures.flip(2).flatten(1)


def one_weight(draw: Draw) -> tuple:
    height, width = draw.randint(1, 3), draw.randint(1, 4)
    return draw.tensor(draw.randint(1, 3), height * width), height, width


MIRROR = Exercise(
    """
    2.3 · The same answers for mirrored pictures (difficulty 3, importance 2, 10 minutes)
    A fully connected layer reads flat grey pictures of `height` rows and `width` columns. From now
    on all pictures come mirrored, left to right. Write `mirror_weight(weight, height, width)`: it
    takes the layer's weight of shape (out, height·width) and returns the one, of the same shape,
    with which a mirrored picture gives the outputs that the picture itself gave before.

    Wrong: weight.flip(1)
        You reverse each neuron's whole row of weights. That mirrors left to right and also turns
        top to bottom. See the weights as a picture first, and mirror only its columns.
    Wrong: flip(2) → flip(1)
        You turn the weights upside down: after view the axes are (out, height, width), so axis 1
        counts rows. Columns are axis 2.
    Wrong: weight.flip(0)
        You reverse the order of the neurons. Axis 0 of the weight counts neurons; the pixels are
        along axis 1.
    Wrong: -1, height, width → -1, width, height
        You cut each neuron's weights into (width, height). A picture has `height` rows of `width`
        pixels each: view(-1, height, width).
    Hint: A neuron's weights can be seen as a picture too. Each pixel must still meet its own
    weight, wherever that pixel is now.
    Hint: Give the weight the shape (out, height, width). Which axis counts columns?
    Hint: Flip axis 2 of `weight.view(-1, height, width)`, and flatten from axis 1 again.
    Why: A weighted sum does not care about the order of its terms, so if the weights are mirrored
    like the pixels, each pixel meets the same weight as before.
    """,
    mirror_weight,
    cases=[
        (numbers([[1, 2, 3]]), 1, 3),
        (numbers(range(6)).view(1, 6), 2, 3),
        (numbers(range(8)).view(2, 4), 2, 2),
    ],
    random_case=one_weight,
)

SPREAD = Question("""
    2.4 · Four times the inputs (difficulty 2, importance 2, 2 minutes)
    All inputs and all weights of a layer are random numbers from `torch.randn`, and nothing is
    divided. What happens to the standard deviation of the outputs if the layer gets 1600 inputs
    instead of 400?

    Wrong: It stays as it is
        That is so if the weights are divided by the square root of the number of inputs. Here they
        are not, and a longer sum scatters more.
    Right: It becomes about twice as large
        It grows with the square root of the number of inputs: from about 20 to about 40.
    Wrong: It becomes about four times as large
        It would if all products had the same sign and size. Here positive and negative ones partly
        cancel, so only the square root of 4 remains.
    Wrong: It becomes about half as large
        A mean of more numbers scatters less. But a neuron adds up, it does not divide by their
        number.
    """)
