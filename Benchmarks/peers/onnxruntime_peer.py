"""ONNX Runtime on the processor."""

import protocol

chosen = protocol.options(__doc__, works=("infer", "latency"))
results = protocol.Results()

import onnxruntime  # noqa: E402 - frameworks read their limits when they load

import models  # noqa: E402


def session():
    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    settings.intra_op_num_threads = chosen.threads
    settings.inter_op_num_threads = 1
    settings.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # A known batch size lets it choose its kernels and lay out its memory once.
    settings.add_free_dimension_override_by_name("batch", chosen.batch_size)
    return onnxruntime.InferenceSession(
        protocol.onnx_path(chosen.model), settings, providers=["CPUExecutionProvider"])


def inference_step(session):
    # Bound input and output: nothing is copied per step.
    binding = session.io_binding()
    binding.bind_cpu_input("images", models.images(chosen.batch_size, channels_first=True))
    binding.bind_output("probabilities")
    return lambda: session.run_with_iobinding(binding)


if chosen.precision != "float32":
    raise SystemExit("ONNX Runtime runs this file in float32 only")
step = inference_step(session())
protocol.warm_up(step, seconds=2)
protocol.serve(
    results, "ONNX Runtime", f"onnxruntime {onnxruntime.__version__}", chosen.batch_size,
    lambda seconds, minimum: protocol.timed_steps(step, seconds, minimum))
