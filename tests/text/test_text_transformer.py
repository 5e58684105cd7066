"""A frozen transformer's states: the model's own, cached by content. With a tiny random BERT."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from trialsmith.errors import DataError, InfeasibleConfig
from trialsmith.text import TransformerTokens

TEXTS = ["na is bonded to six cl atoms", "", "cubic", "na na na na na na na na na", "  "]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "na", "cl", "is", "bonded", "to", "six"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    transformers = pytest.importorskip("transformers", reason="the extra transformer is missing")
    folder = tmp_path_factory.mktemp("bert")
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    transformers.BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
    )
    transformers.BertModel(config).save_pretrained(folder)
    return folder


def tokens(folder: Path, **options) -> TransformerTokens:
    return TransformerTokens(str(folder), features=16, **options)


def test_states_are_those_of_the_model(folder, tmp_path):
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    found = tokens(folder, batch_size=3)(TEXTS, tmp_path)
    for text, states in zip(TEXTS, found, strict=True):
        assert states.dtype == np.float32
        if not text.strip():
            assert states.shape == (0, 16)
            continue
        with torch.no_grad():
            alone = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        np.testing.assert_allclose(states, alone.numpy(), atol=1e-5)


def test_long_texts_are_cut(folder, tmp_path):
    found = tokens(folder, max_tokens=5)(TEXTS, tmp_path)
    assert [len(states) for states in found] == [5, 0, 3, 5, 0]


def test_computed_once_and_mapped(folder, tmp_path, monkeypatch):
    first = tokens(folder)(TEXTS, tmp_path)

    def refuse(*_: object) -> None:
        raise AssertionError("the model was run again")

    monkeypatch.setattr(TransformerTokens, "_computed", refuse)
    # In another order and with repetitions: the same texts.
    again = tokens(folder)([*TEXTS[::-1], TEXTS[0]], tmp_path)
    np.testing.assert_array_equal(again[-1], first[0])
    np.testing.assert_array_equal(again[4], first[0])
    with pytest.raises(AssertionError, match="run again"):
        tokens(folder, max_tokens=4)(TEXTS, tmp_path)


def test_key_goes_by_the_models_files(folder, tmp_path):
    import shutil

    copy = shutil.copytree(folder, tmp_path / "copy")
    assert tokens(copy).key == tokens(folder).key
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert tokens(copy).key != tokens(folder).key
    assert tokens(folder, max_tokens=4).key != tokens(folder).key


def test_only_blank_texts_need_no_model(folder, tmp_path):
    assert [states.shape for states in tokens(folder)(["", " "], tmp_path)] == [(0, 16)] * 2


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"text\.path=.*nowhere.* save_pretrained"):
        TransformerTokens(str(tmp_path / "nowhere"))


def test_a_folder_without_weights_is_refused(folder, tmp_path):
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_text((folder / name).read_text())
    with pytest.raises(DataError, match="cannot be loaded"):
        tokens(tmp_path)(TEXTS, tmp_path / "cache")


def test_another_width_is_refused(folder, tmp_path):
    with pytest.raises(InfeasibleConfig, match=r"text\.features=768 .* set text\.features=16"):
        TransformerTokens(str(folder))(TEXTS, tmp_path)


def test_the_missing_extra_is_named(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(InfeasibleConfig, match=r"pip install 'trialsmith\[transformer\]'"):
        tokens(folder)(TEXTS, tmp_path)


def test_impossible_parameters_are_refused(tmp_path):
    with pytest.raises(InfeasibleConfig, match="batch_size=0"):
        TransformerTokens(str(tmp_path), batch_size=0)
