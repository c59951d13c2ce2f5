"""k-means and index: cases to do by hand, and what holds of every retriever."""

import numpy as np
import pytest
import torch
from sklearn.metrics import pairwise_distances

from ezrvc_features.errors import FeatureError
from ezrvc_features.retrieval import (
    IndexRetriever,
    KMeansRetriever,
    RetrievalConfig,
    Retriever,
    fit,
)
from ezrvc_features.retrieval.clustering import fit_centroids
from ezrvc_features.retrieval.index import inverse_square_weights
from ezrvc_features.retrieval.nearest import nearest_vectors

DIM = 12


def random_vectors(n: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, DIM)).astype(np.float32)


def make(method: str, vectors: np.ndarray) -> Retriever:
    return IndexRetriever(vectors) if method == "index" else KMeansRetriever(vectors)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (0.0, [[1.0, 9.0, -3.0], [2.0, 1.0, -4.0]]),
        (0.5, [[0.5, 9.5, -1.5], [1.0, 0.5, 3.0]]),
        (1.0, [[0.0, 10.0, 0.0], [0.0, 0.0, 10.0]]),
    ],
)
def test_a_frame_moves_towards_the_nearest_of_three_centres(
    ratio: float, expected: list[list[float]]
) -> None:
    centres = np.array([[0, 0], [10, 0], [0, 10]], np.float32)
    content = torch.tensor([[1.0, 9.0, -3.0], [2.0, 1.0, -4.0]])
    wanted = torch.tensor(expected)
    wanted[:, 2] = (1 - ratio) * content[:, 2]  # (-3, -4): the origin is nearest
    quantised = KMeansRetriever(centres).quantise(content, ratio)
    torch.testing.assert_close(quantised, wanted, rtol=0, atol=1e-6)


def test_two_neighbours_weigh_the_inverse_of_the_squared_square_of_their_distance() -> None:
    # 1 and 2 away: 1/1 and 1/16, so 16/17 and 1/17
    index = IndexRetriever(np.array([[1, 0], [0, 2], [50, 50]], np.float32), n_neighbours=2)
    found = index.blend(torch.zeros(2, 1), 1.0)
    torch.testing.assert_close(found, torch.tensor([[16 / 17], [2 / 17]]))
    half = index.blend(torch.zeros(2, 1), 0.5)
    torch.testing.assert_close(half, torch.tensor([[8 / 17], [1 / 17]]))


def test_the_weights_are_the_published_formula_and_bear_no_distance() -> None:
    squared = np.sort(np.random.default_rng(1).uniform(0.1, 9, (5, 8)), axis=-1)
    published = (1 / squared) ** 2
    np.testing.assert_allclose(
        inverse_square_weights(squared), published / published.sum(axis=-1, keepdims=True)
    )
    exact = inverse_square_weights(np.array([[0.0, 0.0, 1.0], [0.0, 1e-300, 1.0]]))
    np.testing.assert_array_equal(exact, [[0.5, 0.5, 0], [1, 0, 0]])


@pytest.mark.parametrize("method", ["index", "kmeans"])
class TestEveryRetriever:
    def test_it_keeps_to_the_protocol(self, method: str) -> None:
        retriever = make(method, random_vectors(9))
        assert isinstance(retriever, Retriever)
        assert (retriever.name, retriever.vectors.shape) == (method, (9, DIM))

    def test_nothing_changes_at_ratio_0(self, method: str) -> None:
        content = torch.randn(DIM, 7, generator=torch.Generator().manual_seed(0))
        assert torch.equal(make(method, random_vectors(30)).blend(content, 0.0), content)

    def test_known_vectors_are_found_again(self, method: str) -> None:
        vectors = random_vectors(300)
        content = torch.from_numpy(vectors.T.copy())
        assert torch.equal(make(method, vectors).blend(content, 1.0), content)

    def test_a_frame_does_not_depend_on_its_company(self, method: str) -> None:
        retriever = make(method, random_vectors(500))
        content = torch.from_numpy(random_vectors(300, seed=5).T.copy())
        whole = retriever.blend(content, 0.7)
        for start, end in ((0, 1), (1, 18), (18, 40), (40, 300)):
            part = retriever.blend(content[:, start:end], 0.7)
            assert torch.equal(part, whole[:, start:end])

    def test_half_precision_stays_half_and_no_frames_stay_none(self, method: str) -> None:
        retriever = make(method, random_vectors(20))
        assert retriever.blend(torch.zeros(DIM, 3).half(), 0.5).dtype == torch.float16
        assert retriever.blend(torch.zeros(DIM, 0), 0.5).shape == (DIM, 0)

    def test_fewer_vectors_than_neighbours_are_enough(self, method: str) -> None:
        content = torch.ones(DIM, 2)
        only = random_vectors(1)
        found = make(method, only).blend(content, 1.0)
        assert torch.equal(found, torch.from_numpy(only.T).expand(DIM, 2))

    @pytest.mark.parametrize(
        ("content", "ratio", "message"),
        [
            (torch.zeros(DIM + 1, 4), 0.5, r"\(13, 4\) cannot be looked up .* width 12"),
            (torch.zeros(DIM), 0.5, "cannot be looked up"),
            (torch.full((DIM, 1), torch.nan), 0.5, "not finite"),
            (torch.zeros(DIM, 1), 1.5, r"ratio 1\.5 must be within"),
        ],
    )
    def test_what_cannot_be_looked_up_is_refused(
        self, method: str, content: torch.Tensor, ratio: float, message: str
    ) -> None:
        with pytest.raises(FeatureError, match=message):
            make(method, random_vectors(3)).blend(content, ratio)

    @pytest.mark.parametrize(
        ("vectors", "message"),
        [
            (np.zeros((0, 4), np.float32), r"\(n_vectors, dim\)"),
            (np.zeros(4, np.float32), r"\(n_vectors, dim\)"),
            (np.zeros((2, 2), np.int64), "floating-point"),
            (np.full((2, 2), np.inf, np.float32), "not finite"),
        ],
    )
    def test_vectors_that_are_none_are_refused(
        self, method: str, vectors: np.ndarray, message: str
    ) -> None:
        with pytest.raises(FeatureError, match=message):
            make(method, vectors)


def test_the_search_agrees_with_comparing_everything() -> None:
    vectors, queries = random_vectors(700), random_vectors(150, seed=2)
    distances = pairwise_distances(queries.astype(np.float64), vectors.astype(np.float64))
    squared, numbers = nearest_vectors(vectors, queries, 8)
    np.testing.assert_array_equal(numbers, np.argsort(distances, axis=-1)[:, :8])
    np.testing.assert_allclose(np.sqrt(squared), np.sort(distances, axis=-1)[:, :8])


def test_near_vectors_far_from_the_origin_are_told_apart() -> None:
    # |x|² is 1e8 here: in float32, differences below 8 vanish in |x|² - 2xy + |y|²
    centre = np.full(DIM, 3000.0, np.float32)
    vectors = np.stack([centre + offset for offset in (0.75, 0.5, 0.25, 1.0)])
    for k in (1, 2, 4):  # fewer than there are, too: the coarse search must not choose alone
        _, numbers = nearest_vectors(vectors, centre[np.newaxis], k)
        assert numbers.tolist() == [[2, 1, 0, 3][:k]]


def test_fitted_centres_are_the_means_of_clear_groups_and_repeat() -> None:
    middles = np.array([[0.0, 0.0], [40.0, 0.0], [0.0, 40.0]])
    noise = np.random.default_rng(3).normal(size=(300, 2))
    vectors = (np.repeat(middles, 100, axis=0) + noise).astype(np.float32)
    centres = fit_centroids(vectors, 3)
    expected = vectors.reshape(3, 100, 2).mean(axis=1)
    found = centres[np.argsort(centres @ [1.0, 2.0])]
    np.testing.assert_allclose(found, expected[np.argsort(expected @ [1.0, 2.0])], atol=1e-4)
    np.testing.assert_array_equal(centres, fit_centroids(vectors, 3))


def test_many_centres_are_fitted_by_batches_and_describe_what_they_came_from() -> None:
    vectors = random_vectors(21_000)
    centres = fit_centroids(vectors, 1000)
    assert centres.shape == (1000, DIM)
    squared, _ = nearest_vectors(centres, vectors[:500], 1)
    apart, _ = nearest_vectors(vectors[-1000:], vectors[:500], 1)
    assert squared.mean() < 0.8 * apart.mean()  # closer than as many vectors picked blindly
    np.testing.assert_array_equal(centres, fit_centroids(vectors, 1000))


def test_no_more_centres_than_vectors_and_repeats_do_no_harm() -> None:
    vectors = random_vectors(4)
    assert fit_centroids(vectors, 10) is vectors
    repeated = np.repeat(vectors, 3, axis=0)
    assert {tuple(each) for each in fit_centroids(repeated, 6).round(3)} == {
        tuple(each) for each in vectors.round(3)
    }


def test_an_index_keeps_its_vectors_until_there_are_too_many() -> None:
    vectors = random_vectors(60)
    kept = fit(vectors, RetrievalConfig(method="index", max_vectors=60, n_clusters=5))
    assert np.array_equal(kept.vectors, vectors)
    reduced = fit(vectors, RetrievalConfig(method="index", max_vectors=59, n_clusters=5))
    assert (reduced.name, reduced.vectors.shape) == ("index", (5, DIM))
    with pytest.raises(FeatureError, match="method is none"):
        fit(vectors, RetrievalConfig())
