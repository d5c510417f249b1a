from artgan.data.sampling import indices


def test_every_picture_once_a_round():
    shown = indices(3, 0, 30, 10)
    rounds = [sorted(shown[i : i + 10]) for i in (0, 10, 20)]
    assert rounds == [list(range(10))] * 3
    assert shown[:10] != shown[10:20]


def test_the_order_depends_on_the_sample_alone():
    whole = indices(3, 0, 57, 7)
    pieces = [i for start in range(0, 57, 3) for i in indices(3, start, 3, 7)]
    assert pieces == whole


def test_a_batch_may_be_larger_than_the_set():
    assert sorted(indices(0, 0, 4, 2)) == [0, 0, 1, 1]
    assert indices(0, 5, 3, 1) == [0, 0, 0]


def test_seeds_differ():
    assert indices(0, 0, 20, 20) != indices(1, 0, 20, 20)
