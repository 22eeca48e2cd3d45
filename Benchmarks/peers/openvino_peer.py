"""OpenVINO on the processor, from an ONNX file."""

import threading

import protocol

chosen = protocol.options(__doc__, works=("infer", "latency"), variants=("streams1", "streams2"))
results = protocol.Results()

import openvino  # noqa: E402 - frameworks read their limits when they load
from openvino import properties  # noqa: E402

import models  # noqa: E402


def compiled():
    core = openvino.Core()
    network = core.read_model(protocol.onnx_path(chosen.model))
    # A fixed shape lets the engine choose its kernels for it.
    network.reshape([chosen.batch_size, models.IMAGE_CHANNELS, models.IMAGE_HEIGHT, models.IMAGE_WIDTH])
    latency = chosen.work == "latency"
    hints = properties.hint
    settings = {
        properties.inference_num_threads: chosen.threads,
        # Without this hint a processor with bfloat16 instructions uses them.
        hints.inference_precision: openvino.Type.bf16 if chosen.precision == "bfloat16" else openvino.Type.f32,
        hints.performance_mode: hints.PerformanceMode.LATENCY if latency else hints.PerformanceMode.THROUGHPUT,
    }
    # The hint gives each core a stream of its own. On two cores one stream of two threads was equally fast.
    if chosen.variant:
        settings[properties.num_streams] = int(chosen.variant.removeprefix("streams"))
    return core.compile_model(network, "CPU", settings)


# The engine reads the images where they are and does not keep them alive.
kept_images = []


def new_request(network):
    """A request with images of its own."""
    images = models.images(chosen.batch_size, channels_first=True)
    kept_images.append(images)
    request = network.create_infer_request()
    request.set_input_tensor(openvino.Tensor(images, shared_memory=True))
    return request


def one_at_a_time(network):
    request = new_request(network)
    return lambda seconds, minimum: protocol.timed_steps(request.infer, seconds, minimum)


def several_at_a_time(network, count):
    """Keeps `count` batches in flight, one per stream; a step's time is that from a batch's start to its end."""
    requests = [new_request(network) for _ in range(count)]

    def measure(seconds, minimum):
        times = [[] for _ in requests]

        def stream(request, times):
            times += protocol.timed_steps(request.infer, seconds, -(-minimum // count))[0]

        threads = [threading.Thread(target=stream, args=pair) for pair in zip(requests, times)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # Each stream's own rate, added: that one of them ends a little later than the other costs nothing.
        rate = sum(len(each) / sum(each) for each in times)
        flat = [time for each in times for time in each]
        return flat, len(flat) / rate

    return measure


network = compiled()
in_flight = network.get_property(properties.optimal_number_of_infer_requests)
streams = network.get_property(properties.num_streams)
if chosen.work == "latency" or in_flight == 1:
    measure = one_at_a_time(network)
else:
    measure = several_at_a_time(network, in_flight)
measure(2, 3)
protocol.serve(
    results, "OpenVINO", f"openvino {openvino.__version__}", chosen.batch_size, measure, variant=chosen.variant,
    streams=streams, batches_in_flight=in_flight,
    precision=network.get_property(properties.hint.inference_precision).get_type_name(),
    threads=network.get_property(properties.inference_num_threads))
