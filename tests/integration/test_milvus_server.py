"""Two replicas that share galleries by the address of a Milvus server.

The server is Milvus Lite's, which has most of what a cluster has: indexes are built and searched,
and calls of both replicas arrive side by side.
"""

from __future__ import annotations

import logging

import numpy as np
import pytest
from milvus_lite.adapter.grpc.server import start_server_in_thread

from ood_face.errors import BackendError, GalleryNotFoundError
from ood_face.matching.milvus import MilvusGalleryStore, VectorIndex
from ood_face.matching.milvus.connection import Connection
from ood_face.types import GalleryCounts, Profile, RequestToken
from tests.fakes.templates import feature, gallery_info, near, template

TOKEN = RequestToken("key", "body")


class LiteServerConnection(Connection):
    """To Milvus Lite's server, which has no index of arrays."""

    def create(self, name, schema, indexes):
        super().create(
            name, schema, {field: one for field, one in indexes.items() if field != "tokens"}
        )


@pytest.fixture
def server(tmp_path):
    server, database, port = start_server_in_thread(str(tmp_path / "milvus"))
    yield f"http://127.0.0.1:{port}", server
    server.stop(grace=0).wait()
    database.close()


@pytest.mark.parametrize("index", [VectorIndex.FLAT, VectorIndex.HNSW])
def test_what_one_replica_enrols_the_other_finds_changes_and_deletes(server, index, caplog):
    address, _ = server
    first, second = (
        MilvusGalleryStore(address, index=index, connect=LiteServerConnection) for _ in range(2)
    )
    gallery = first.create(gallery_info())
    for number in range(20):
        gallery.create_subject(f"p{number}", Profile(), [template(number)], TOKEN)
    other = second.open("staff")

    (hits,) = other.search(near(7, 0.8)[None], 3)
    assert hits[0].subject_id == "p7"
    assert hits[0].similarity == pytest.approx(float(near(7, 0.8) @ feature(7)), abs=1e-6)
    assert other.find_token("key") is not None
    made = other.subject("p7")
    other.change_templates("p7", [template(99)], [made.templates[0].template_id])
    np.testing.assert_array_equal(gallery.enrolled(["p7"])[0].features, [feature(99)])
    gallery.delete_subject("p8")
    with caplog.at_level(logging.WARNING):
        first.maintain()
        second.maintain()
    assert not [record for record in caplog.records if record.name.startswith("ood_face")]
    assert other.counts() == gallery.counts() == GalleryCounts(19, 19)
    assert "p8" not in {hit.subject_id for hit in other.search(feature(8)[None], 30)[0]}
    second.delete("staff")
    with pytest.raises(GalleryNotFoundError):
        gallery.search(feature(1)[None], 1)
    first.close()
    second.close()


def test_a_server_that_is_gone_is_a_backend_error(server):
    address, process = server
    store = MilvusGalleryStore(address, connect=LiteServerConnection)
    process.stop(grace=0).wait()

    with pytest.raises(BackendError, match=address):
        store.galleries()
    store.close()
