"""The peer in Python, first half: FastAPI, a pydantic model, one message for each request."""

import os
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI
from pydantic import BaseModel, Field


class Event(BaseModel):
    user_id: str = Field(min_length=1, max_length=256)
    event_type: str = Field(min_length=1, max_length=128)
    event_timestamp: datetime
    event_id: str | None = None
    event_data: dict[str, Any]


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.producer = AIOKafkaProducer(bootstrap_servers=os.environ["BROKERS"], acks="all")
    await app.state.producer.start()
    yield
    await app.state.producer.stop()


app = FastAPI(lifespan=lifespan)


@app.post("/api/v1/events", status_code=202)
async def accept(event: Event):
    value = event.model_dump_json().encode()
    await app.state.producer.send_and_wait(os.environ["TOPIC"], value, key=event.user_id.encode())
    return {"status": "accepted"}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning", access_log=False)
