"""The digest of a model's folder: another one exactly where a run would read something else."""

from hypothesis import given
from hypothesis import strategies as st

from core.definition.folder import folder_digest

files = st.dictionaries(
    st.sampled_from(["model.yaml", "features.py", "gather.py", "gather.sql"]),
    st.binary(max_size=20),
)


@given(one=files, other=files)
def test_the_folder_digest_tells_two_folders_apart_exactly_by_their_files(
    one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    assert (folder_digest(one) == folder_digest(other)) is (one == other)


def test_the_folder_digest_ignores_what_no_run_reads_and_the_order_of_files() -> None:
    folder = {"model.yaml": b"a", "features.py": b"b", "gather.sql": b"c"}

    assert folder_digest({"README.md": b"d", **dict(reversed(folder.items()))}) == folder_digest(
        folder
    )
