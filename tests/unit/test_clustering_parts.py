"""The parts of the clustering job: texts, encoders, stability, matching, labels, confidence."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy.sparse import csr_matrix

from pipelines.errors import ConfigError
from pipelines.jobs.clustering.encoders import (
    SentenceEncoder,
    TfidfEncoder,
    encoded,
    open_encoder,
    unit,
)
from pipelines.jobs.clustering.kmeans import RESERVOIR, centres_of, nearest, stream
from pipelines.jobs.clustering.labels import label_clusters
from pipelines.jobs.clustering.matching import match
from pipelines.jobs.clustering.model import cluster_people, confidence
from pipelines.jobs.clustering.stability import Agreement, agreements, choose
from pipelines.jobs.clustering.texts import PersonTexts, clean_texts, person_texts
from pipelines.jobs.clustering.vectors import Floats
from tests.unit.clustering_rows import views_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder()


def blobs(each: int, centres: int, spread: float = 0.1, seed: int = 1) -> Floats:
    """People about so many centres, in turn."""
    rng = np.random.default_rng(seed)
    around = np.tile(unit(np.eye(centres, 12)), (each, 1))
    points: Floats = unit(around + rng.normal(0, spread, around.shape))
    return points


def test_a_text_has_one_vector_whatever_is_encoded_with_it(encoder: SentenceEncoder) -> None:
    texts = [f"Espresso machine {i}" for i in range(3_000)]
    alone, threaded = (np.concatenate(list(encoded(encoder, texts, n))) for n in (1, 2))
    assert np.array_equal(alone, threaded)
    assert np.allclose(alone[7], encoder.encode(["Espresso machine 7"])[0], atol=1e-5)
    assert np.allclose(np.linalg.norm(alone, axis=1), 1, atol=1e-5)


def test_a_german_text_is_nearest_to_its_english_one(encoder: SentenceEncoder) -> None:
    english = encoder.encode(["hiking boots", "coffee beans", "dog leash"])
    german = encoder.encode(["Wanderstiefel", "Kaffeebohnen", "Hundeleine"])
    assert np.argmax(german @ english.T, axis=1).tolist() == [0, 1, 2]


def test_tfidf_brings_texts_together_by_their_terms_alone() -> None:
    tfidf = TfidfEncoder(seed=1, dimensions=4)
    texts = ["red hiking boots", "blue hiking boots", "coffee beans", "dark coffee beans"]
    tfidf.fit(texts)
    near = tfidf.encode(texts) @ tfidf.encode(texts).T
    assert near[0, 1] > near[0, 2]


def test_an_encoder_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="There is no encoder 'bert'") as refused:
        open_encoder("bert", 1)
    assert "use, tfidf" in str(refused.value.fix)


def test_the_sites_name_goes_and_what_differs_in_spaces_is_one_text() -> None:
    texts = [
        "Tents | Canary Shop",
        "Boots – Canary Shop",
        "Canary Shop - Mugs",
        "Mugs  - Canary Shop",
    ]
    assert clean_texts(texts) == ["Tents", "Boots", "Mugs", "Mugs"]
    assert clean_texts(["T-shirt - red", "a | b"]) == ["T-shirt - red", "a | b"]


def test_personal_data_and_texts_without_letters_are_no_texts() -> None:
    texts = ["boots ada@example.org", "+49 30 1234567", "2024 / 12"]
    assert clean_texts(texts) == ["boots", "", ""]


def test_what_everybody_saw_weighs_nothing_and_who_saw_no_more_is_left_out() -> None:
    rows = [(f"p{i:02}", "Home") for i in range(40)]
    rows += [(f"p{i:02}", f"Thing {chr(97 + i)}") for i in range(20)]
    seen = person_texts(pa.array([p for p, _ in rows]), pa.array([t for _, t in rows]))
    assert seen.persons == tuple(f"p{i:02}" for i in range(20))
    assert seen.weights[:, seen.texts.index("Home")].sum() == 0


def test_rows_of_a_person_and_a_text_are_views_in_any_order() -> None:
    rows = [("a", "Tents"), ("b", "Mugs"), ("a", "Tents"), *((f"c{i}", "Boots") for i in range(30))]
    one, other = (
        person_texts(pa.array([p for p, _ in some]), pa.array([t for _, t in some]))
        for some in (rows, rows[::-1])
    )
    assert one.persons == other.persons
    assert (one.weights != other.weights).nnz == 0
    twice, once = (one.weights[one.persons.index(p)].max() for p in ("a", "b"))
    assert twice / once == pytest.approx(np.log(3) / np.log(2))


def test_the_number_of_clusters_is_that_on_which_halves_agree() -> None:
    by_number = agreements(blobs(40, 5), 12, seed=1)
    assert choose(by_number) == 5
    assert by_number[5].mean > 0.95
    noise = agreements(unit(np.random.default_rng(2).normal(size=(400, 12))), 12, seed=1)
    assert max(one.mean for one in noise.values()) < 0.5


def test_of_numbers_that_are_as_stable_the_largest_is_chosen() -> None:
    """Halves agree on two languages as well as on eight interests; nine are one too many."""
    by_number = {
        2: Agreement(0.966, 0.004),
        7: Agreement(0.831, 0.039),
        8: Agreement(0.959, 0.026),
        9: Agreement(0.933, 0.005),
    }
    assert choose(by_number) == 8


def test_last_weeks_number_stays_while_it_is_about_as_good() -> None:
    by_number = {2: Agreement(0.5, 0.1), 5: Agreement(0.90, 0.01), 6: Agreement(0.91, 0.01)}
    assert [choose(by_number, earlier) for earlier in (None, 5, 2, 9)] == [6, 5, 6, 6]


def test_mini_batches_end_where_everybody_is() -> None:
    people = blobs(RESERVOIR, 3)
    start = centres_of(people[:100], 3, seed=1)
    moved = stream(people, start, seed=1)
    everybody = centres_of(people, 3, seed=1)
    assert np.sort((moved @ everybody.T).max(axis=1))[0] > 0.999
    assert np.array_equal(moved, stream(people, start, seed=1))


def test_clusters_keep_split_merge_die_and_are_born() -> None:
    base = np.eye(6)
    earlier = base[:5]
    near_0 = unit(base[:1] + 0.3 * base[5:6])[0]
    both = unit(base[3:4] + 0.8 * base[4:5])[0]
    now = np.array([base[1], base[0], near_0, both, base[5]])
    matches = match(earlier, now, 0.6)
    assert [(m.now, m.earlier, m.change, m.parent) for m in matches] == [
        (0, 1, "KEPT", None),
        (1, 0, "KEPT", None),
        (2, None, "SPLIT", 0),
        (3, 3, "KEPT", None),
        (4, None, "BORN", None),
        (None, 2, "DIED", None),
        (None, 4, "MERGED", 3),
    ]
    assert [m.change for m in match(np.empty((0, 0)), now, 0.6)] == ["BORN"] * 5


def test_matching_is_best_as_a_whole_not_greedy() -> None:
    earlier = unit(np.array([[1.0, 0.0], [0.9, 0.5]]))
    now = unit(np.array([[0.95, 0.3], [1.0, -0.3]]))
    # the first of now is nearest to both; it takes the second, so that the other keeps an id
    assert [m.earlier for m in match(earlier, now, 0.5)] == [1, 0]


def labelled(texts: list[list[str]]) -> PersonTexts:
    """A person a list, a cluster each."""
    distinct = sorted({t for own in texts for t in own})
    weights = csr_matrix([[float(t in own) for t in distinct] for own in texts])
    return PersonTexts(tuple("abcdef"[: len(texts)]), tuple(distinct), weights)


def test_labels_are_terms_of_the_clusters_own_without_numbers() -> None:
    seen = labelled(
        [
            ["hiking boots for men 42", "hiking poles", "tent for two"],
            ["coffee beans for espresso", "coffee grinder", "filter for coffee"],
        ]
    )
    hiking, coffee = label_clusters(seen, np.array([0, 1]), 2)
    assert hiking.label.startswith("hiking")
    assert coffee.label.startswith("coffee")
    for label in (hiking, coffee):
        assert "for" not in " ".join(label.terms).split()
        assert not any(sign.isdigit() for sign in label.label)
    assert set(hiking.examples) == {"hiking boots for men 42", "hiking poles", "tent for two"}


def test_one_text_is_less_sure_than_many_and_texts_of_others_least() -> None:
    weights = csr_matrix([[1.0, 1, 1, 1, 0, 0], [1, 0, 0, 0, 0, 0], [1, 0, 0, 0, 1, 1]])
    more = csr_matrix([[0.0, 0, 0, 0, 1, 1]] * 3)
    seen = PersonTexts(
        tuple("abcdef"), tuple("uvwxyz"), csr_matrix(np.vstack([weights.todense(), more.todense()]))
    )
    sure = confidence(seen, np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 1, 1]), 2)
    assert sure[0] > sure[1] > sure[2]
    assert ((sure > 0) & (sure < 1)).all()


def test_people_are_clustered_by_interest_in_two_languages_and_again_the_same(
    encoder: SentenceEncoder,
) -> None:
    rows, truth = views_of(400)
    seen = person_texts(pa.array([p for p, _ in rows]), pa.array([t for _, t in rows]))
    one, again = (cluster_people(seen, encoder, largest=10, seed=1) for _ in range(2))
    assert one.count == len(set(truth.values()))
    assert np.array_equal(one.cluster, again.cluster)
    assert np.array_equal(one.centroids, again.centroids)
    assert one.labels == again.labels
    for cluster in range(one.count):
        own = [truth[seen.persons[i]] for i in np.flatnonzero(one.cluster == cluster)]
        assert max(map(own.count, set(own))) / len(own) > 0.9
    assert nearest(one.centroids, one.centroids).tolist() == list(range(one.count))
