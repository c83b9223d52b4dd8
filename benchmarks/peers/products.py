"""Large matrix products, the limit of the processor in fp32 and in integers."""

from typing import Any

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

SIZE = 2048
OPERATIONS = 2 * SIZE**3


class OnnxProduct:
    """[SIZE, SIZE] times constant weights in ONNX Runtime, one thread per core."""

    operator = "MatMul"
    left: np.dtype[Any] = np.dtype(np.float32)
    right: np.dtype[Any] = np.dtype(np.float32)

    def __init__(self) -> None:
        kind = helper.np_dtype_to_tensor_dtype(self.left)
        result = TensorProto.FLOAT if self.operator == "MatMul" else TensorProto.INT32
        rng = np.random.default_rng(0)
        weight = rng.integers(-127, 127, (SIZE, SIZE)).astype(self.right)
        graph = helper.make_graph(
            [helper.make_node(self.operator, ["a", "b"], ["c"])],
            "product",
            [helper.make_tensor_value_info("a", kind, [SIZE, SIZE])],
            [helper.make_tensor_value_info("c", result, [SIZE, SIZE])],
            [numpy_helper.from_array(weight, "b")],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 9
        self._session = ort.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        self._factor = rng.integers(0, 127, (SIZE, SIZE)).astype(self.left)

    def multiply(self, _: int, times: int) -> None:
        """Multiply that many times."""
        for _ in range(times):
            self._session.run(None, {"a": self._factor})


class OnnxIntegerProduct(OnnxProduct):
    """uint8 times int8 into int32."""

    operator = "MatMulInteger"
    left = np.dtype(np.uint8)
    right = np.dtype(np.int8)


class NumpyProduct:
    """fp32 in NumPy's OpenBLAS."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self._left, self._right = rng.normal(size=(2, SIZE, SIZE)).astype(np.float32)
        self._result = np.empty((SIZE, SIZE), np.float32)

    def multiply(self, _: int, times: int) -> None:
        """Multiply that many times."""
        for _ in range(times):
            np.matmul(self._left, self._right, out=self._result)


class TensorFlowProduct:
    """fp32 in TensorFlow."""

    def __init__(self) -> None:
        import tensorflow as tf  # noqa: PLC0415 - slow to import, and the other products need no TensorFlow

        self._left, self._right = tf.random.normal([2, SIZE, SIZE])
        self._product = tf.function(tf.matmul)

    def multiply(self, _: int, times: int) -> None:
        """Multiply that many times."""
        for _ in range(times):
            self._product(self._left, self._right).numpy()
