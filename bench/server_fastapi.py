"""A peer of bench/server.py: /health as FastAPI answers it."""
import datetime

import fastapi

app = fastapi.FastAPI()


@app.get("/health")
async def health():
    return {
        "status": "healthy",
        "timestamp": datetime.datetime.now(datetime.timezone.utc).isoformat(),
        "version": "0.1.0",
        "devices": 1,
        "mlx_available": False,
        "torch_available": False,
    }
