"""A peer of bench/server.py: /health, and a matrix product by NumPy at POST /tasks, as FastAPI answers them."""
import datetime
import statistics
import time
import uuid

import fastapi
import numpy
import pydantic

app = fastapi.FastAPI()
random = numpy.random.default_rng(1)


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat()


@app.get("/health")
async def health():
    return {
        "status": "healthy",
        "timestamp": now(),
        "version": "0.1.0",
        "devices": 1,
        "mlx_available": False,
        "torch_available": False,
    }


class Task(pydantic.BaseModel):
    operation: str
    data: dict = {}
    device_preference: str = "auto"
    priority: int = pydantic.Field(1, ge=1, le=10)
    timeout: int = pydantic.Field(300, ge=1, le=3600)


@app.post("/tasks")
async def tasks(task: Task):
    created, started = now(), time.perf_counter()
    size, times = task.data["size"], []
    a, b = (random.random((size, size), dtype=numpy.float32) for _ in range(2))
    for _ in range(task.data.get("iterations", 1)):
        begun = time.perf_counter()
        product = a @ b
        times.append(time.perf_counter() - begun)
    median = statistics.median(times)
    rate = 2 * size**3 / median / 1e9
    took = time.perf_counter() - started
    return {
        "task_id": uuid.uuid4().hex,
        "status": "completed",
        "result": {"operation": "matrix_multiply", "size": size, "dtype": "float32", "device": "cpu_0",
                   "result_shape": product.shape, "throughput": rate, "gflops": rate, "execution_time": median},
        "metrics": {"execution_time": took, "device_used": "cpu_0", "memory_peak": 3 * size * size * 4,
                    "throughput": rate},
        "error": None,
        "error_code": None,
        "attempts": 1,
        "execution_time": took,
        "device_used": "cpu_0",
        "fallback_reason": None,
        "created_at": created,
        "started_at": created,
        "finished_at": now(),
    }
