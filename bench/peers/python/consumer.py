"""The peer in Python, second half: message by message into the table; what is there already is left out."""

import asyncio
import json
import os
from datetime import datetime

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer

INSERT = """insert into peer_events (user_id, event_type, event_timestamp, event_data) values ($1, $2, $3, $4)
  on conflict (user_id, event_type, event_timestamp) do nothing"""


async def main() -> None:
    database = await asyncpg.connect(os.environ["DATABASE"])
    topic = os.environ["TOPIC"]
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=os.environ["BROKERS"], group_id=f"peer-{topic}", auto_offset_reset="earliest"
    )
    await consumer.start()
    async for message in consumer:
        event = json.loads(message.value)
        timestamp = datetime.fromisoformat(event["event_timestamp"])
        data = json.dumps(event["event_data"])
        await database.execute(INSERT, event["user_id"], event["event_type"], timestamp, data)


uvloop.run(main())
