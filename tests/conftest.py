"""Fixtures shared by all tests: a slice of the corpus, a trained model, a tiny random encoder."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
# what is made at first use is made anew for the tests, and not in the cache of who runs them
os.environ["STANCEKIT_CACHE"] = tempfile.mkdtemp(prefix="stancekit-tests-")

REPOSITORY = Path(__file__).parent.parent
CORPUS = REPOSITORY / "data" / "corpus"


@pytest.fixture(scope="session")
def examples():
    """The first 600 sentences of one file of the corpus."""
    from stance.data import read_examples

    return read_examples(sorted(CORPUS.glob("*.jsonl"))[0])[:600]


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory):
    """A folder with one file of the corpus, some 30 documents."""
    folder = tmp_path_factory.mktemp("corpus")
    shutil.copy(sorted(CORPUS.glob("*.jsonl"))[0], folder / "corpus.jsonl")
    return folder


@pytest.fixture(scope="session")
def config_file(small_corpus, tmp_path_factory):
    """A config of the linear classifier on the small corpus."""
    path = tmp_path_factory.mktemp("configs") / "linear.yaml"
    path.write_text(f"data:\n  sources:\n    - path: {small_corpus}\nmodel:\n  kind: linear\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def run_folder(config_file, tmp_path_factory):
    """A run folder of the linear classifier; tests that change it copy it first."""
    import stance

    return stance.train(config_file, out=tmp_path_factory.mktemp("runs") / "linear").folder


@pytest.fixture
def run_copy(run_folder, tmp_path):
    """A copy of the run folder that a test may spoil."""
    return Path(shutil.copytree(run_folder, tmp_path / "copy"))


@pytest.fixture(scope="session")
def predictor(run_folder):
    """The predictor of the run folder."""
    from stance import StancePredictor

    return StancePredictor.from_pretrained(run_folder)


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory):
    """A folder with a random BERT of 2 layers and 16 dimensions over single characters."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("encoder")
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,-"
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_decoder(tmp_path_factory):
    """A folder with a random Llama of 3 layers and 16 dimensions over bytes."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("decoder")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>").save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(alphabet) + 1, hidden_size=16, num_hidden_layers=3, num_attention_heads=2,
        num_key_value_heads=1, intermediate_size=32, max_position_embeddings=128,
    )  # fmt: skip
    LlamaModel(config).save_pretrained(folder)
    return folder
