"""The application: its bus lives as long as it does.

uvicorn shop.app:app
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.requests import Request
from fastapi.responses import JSONResponse

import eventbus
from eventbus import Bus
from shop.events import OrderPlaced, emit_order_placed
from shop.health import health
from shop.request_context import RequestContext


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Start the bus before the first request; deliver everything after the last."""
    bus = Bus.from_config(os.environ.get("SHOP_EVENTBUS", "eventbus.toml"))
    async with bus:
        app.state.bus = bus
        with eventbus.use(bus):
            yield


app = FastAPI(lifespan=lifespan)
app.add_middleware(RequestContext)


@app.post("/orders/{article}")
async def order(article: str, count: int = 1, note: str = "") -> dict[str, int]:
    """Place an order."""
    emit_order_placed(OrderPlaced(article=article, count=count, note=note))
    return {"ordered": count}


@app.get("/healthz")
async def healthz(request: Request) -> JSONResponse:
    """Say how the sinks are."""
    status, body = health(request.app.state.bus)
    return JSONResponse(body, status_code=status)
