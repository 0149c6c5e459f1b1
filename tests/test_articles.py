import pytest

from stance import analyse_article
from stance.errors import InputError

ARTICLE = "Talks on the shield resume\n\nThe minister said the radar protects the country. Villagers oppose it."


def test_every_sentence_gets_offsets_and_a_stance(predictor):
    sentences = analyse_article(ARTICLE, predictor=predictor)
    assert [s.prediction.text for s in sentences] == [ARTICLE[s.start : s.end] for s in sentences]
    assert [s.position for s in sentences] == [0, 1, 2]
    assert sentences[2].prediction.text == "Villagers oppose it."


def test_an_empty_article_is_an_error(predictor):
    with pytest.raises(InputError, match="the article is empty"):
        analyse_article(" \n\n ", predictor=predictor)
