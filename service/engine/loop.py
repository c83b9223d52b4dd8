"""`python -m service.engine.loop GRAPH`: write the loop model of a published step graph to stdout.

The loop model runs the step graph, and the draw from its logits, inside a `Scan`. One call advances
B rows by K characters, each of V symbols. By position, the inputs are
    ids [B] int64, the parts of the state [B, units] float32, an unused [B, V] float32,
    known [K, B] int64, uniforms [K, B, 1] float64, steepness [B, 1] float32, draws (bool)
and the outputs are
    the next ids [B], the parts of the next state, the last logits [B, V], drawn ids [K, B].
After step k a row feeds the character known[k], or the drawn one where known[k] is negative. Without
`draws` nothing is drawn, which saves a seventh of a small step, and the drawn ids are the known ones.

The `onnx` library takes 12 MB, and therefore builds the model in a process that ends at once.
"""

import sys
from collections.abc import Iterable

import numpy as np
import onnx
from onnx import (
    GraphProto,
    ModelProto,
    TensorProto,
    ValueInfoProto,
    compose,
    helper,
    numpy_helper,
    parser,
)

from service.engine.exact import CURVATURE, LAST, POWERS, SLOPE

# The operations of `sampler.sample` for a whole distribution, one by one. ONNX Runtime gathers single
# elements six times faster with GatherElements from one long row than with Gather.
DRAW = """
draw (float[B, V] logits, int64[B] known, double[B, 1] uniform) => (int64[B] next, int64[B] drawn) {
    drawn = If (draws) <
        then_branch = sample () => (int64[B] sampled) {
            highest = ReduceMax <axes = [1]> (logits)
            below = Sub (highest, logits)
            steep = Mul (below, steepness)
            steps = Min (steep, last_step)
            whole = Round (steps)
            rest = Sub (steps, whole)
            bent = Mul (rest, curvature)
            sloped = Add (bent, slope)
            change = Mul (sloped, rest)
            fraction = Add (change, one)
            index = Cast <to = 6> (whole)
            index_row = Reshape (index, one_row)
            power_row = GatherElements <axis = 1> (powers, index_row)
            power = Reshape (power_row, rows)
            weight = Mul (fraction, power)
            chance = Cast <to = 11> (weight)
            cumulative = CumSum (chance, axis)
            total = Gather <axis = 1> (cumulative, last_id)
            threshold = Mul (total, uniform)
            above = Greater (cumulative, threshold)
            flag = Cast <to = 2> (above)
            sampled = ArgMax <axis = 1, keepdims = 0> (flag)
        },
        else_branch = skip () => (int64[B] unchanged) {
            unchanged = Identity (known)
        }
    >
    free = Less (known, zero)
    next = Where (free, drawn, known)
}
"""


def loop_model(model: ModelProto) -> ModelProto:
    """Return the loop model of a step graph: ids, states -> logits, next states."""
    step = compose.add_prefix_graph(model.graph, "step_")
    (ids, *states), (logits, *next_states) = step.input, step.output
    draw = _draw(logits)
    (_, known, uniform), (next_ids, drawn) = draw.input, draw.output
    # ONNX Runtime keeps a second copy of all that lies inside the loop, so the matrices lie outside.
    matrices = [constant for constant in step.initializer if len(constant.dims) > 1]
    vectors = [constant for constant in step.initializer if len(constant.dims) <= 1]
    body = helper.make_graph(
        [*step.node, *draw.node],
        "step_and_draw",
        inputs=[ids, *states, _named("unused", logits), known, uniform],
        outputs=[next_ids, *next_states, logits, drawn],
        initializer=[*vectors, *draw.initializer],
    )
    loop = _loop(body, matrices)
    return helper.make_model(loop, opset_imports=model.opset_import, ir_version=model.ir_version)


def _draw(logits: ValueInfoProto) -> GraphProto:
    """Return the graph that draws from these logits [B, V]."""
    symbols = logits.type.tensor_type.shape.dim[1].dim_value
    constants = {
        "last_step": np.float32(LAST),
        "curvature": CURVATURE,
        "slope": SLOPE,
        "one": np.float32(1),
        "powers": POWERS[None],
        "one_row": np.array([1, -1]),
        "rows": np.array([-1, symbols]),
        "axis": np.int64(1),
        "last_id": np.array([symbols - 1]),
        "zero": np.int64(0),
    }
    graph = parser.parse_graph(DRAW.replace("logits", logits.name))
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()
    )
    return graph


def _loop(body: GraphProto, constants: list[TensorProto]) -> GraphProto:
    """Return the graph that runs the body once for each of K steps."""
    *carried, known, uniform = body.input
    *returned, drawn = body.output
    inputs = [*map(_of_call, carried), _of_steps(known), _of_steps(uniform)]
    outputs = [*map(_of_call, returned), _of_steps(drawn)]
    scan = helper.make_node("Scan", _names(inputs), _names(outputs), body=body, num_scan_inputs=2)
    inputs += [
        helper.make_tensor_value_info("steepness", TensorProto.FLOAT, ["B", 1]),
        helper.make_tensor_value_info("draws", TensorProto.BOOL, []),
    ]
    return helper.make_graph([scan], "loop", inputs, outputs, constants)


def _of_call(value: ValueInfoProto) -> ValueInfoProto:
    """Return the value outside the loop of a value that the loop carries from step to step."""
    return _named(f"call/{value.name.removeprefix('step_')}", value)


def _of_steps(value: ValueInfoProto) -> ValueInfoProto:
    """Return the values [K, …] outside the loop of a value of each step."""
    values = _of_call(value)
    values.type.tensor_type.shape.dim.insert(0, onnx.TensorShapeProto.Dimension(dim_param="K"))
    return values


def _named(name: str, value: ValueInfoProto) -> ValueInfoProto:
    named = ValueInfoProto()
    named.CopyFrom(value)
    named.name = name
    return named


def _names(values: Iterable[ValueInfoProto]) -> list[str]:
    return [value.name for value in values]


if __name__ == "__main__":
    sys.stdout.buffer.write(loop_model(onnx.load(sys.argv[1])).SerializeToString())
