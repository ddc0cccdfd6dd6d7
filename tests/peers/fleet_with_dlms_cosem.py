"""Reads many virtual meters with dlms-cosem and stores nothing: fleet_with_dlms_cosem.py JOB (see fleet.py)."""

import datetime
import logging

import structlog
from dlms_cosem import cosem, utils
from dlms_cosem.cosem import capture_object, selective_access

import fleet_work
from read_with_dlms_cosem import make_client, name


def prepare(job):
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    wanted = [
        cosem.CosemAttributeWithSelection(attribute=name(*register), access_selection=None)
        for register in job["registers"]
    ]
    window = selective_access.RangeDescriptor(
        restricting_object=capture_object.CaptureObject(
            cosem_attribute=name(8, "0.0.1.0.0.255", 2), data_index=0
        ),
        from_value=datetime.datetime.fromtimestamp(job["from"], datetime.timezone.utc),
        to_value=datetime.datetime.fromtimestamp(job["to"], datetime.timezone.utc),
    )
    return wanted, window


def read_one(job, place, prepared):
    wanted, window = prepared
    client = make_client({**job, **place})
    sent = 0
    send = client.send

    def counting(*events):
        nonlocal sent
        sent += 1
        send(*events)

    client.send = counting
    with client.session():
        utils.parse_as_dlms_data(client.get(name(8, "0.0.1.0.0.255", 2)))
        found = client.get_many(wanted).result
        rows = utils.parse_as_dlms_data(client.get(name(7, job["profile"], 2), access_descriptor=window))
    if len(found) != len(job["registers"]) or len(rows) < job["least_rows"]:
        raise RuntimeError(f"{len(found)} registers and {len(rows)} rows")
    return sent


if __name__ == "__main__":
    fleet_work.run(prepare, read_one)
