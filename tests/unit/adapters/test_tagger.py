"""The tagger that ships: what it finds, what it leaves alone, and that reading in windows changes nothing."""

import json
import shutil

import pytest

from daemon.adapters import tagger_words
from daemon.adapters.finder_presidio import PresidioFinder
from daemon.adapters.model_files import find_model, read_manifest
from daemon.adapters.tagger_onnx import Tagger
from daemon.adapters.word_pieces import WordPieces
from daemon.errors import ModelUnavailable
from daemon.settings import PiiSettings

TOKENIZER = WordPieces(find_model("minilm")).tokenizer
ALL = dict.fromkeys(("PERSON", "STREET_ADDRESS", "LOCATION", "ORGANIZATION"), 0.5)

NAMES = [
    ("Hi Priyanka, thanks for the slides.", ["Priyanka"]),
    ("This is Oluwaseun Adebayo from accounts.", ["Oluwaseun Adebayo"]),
    ("Jean-Luc O'Brien and Mary-Jane Smith-Jones signed.", ["Jean-Luc O'Brien", "Mary-Jane Smith-Jones"]),
    ("Ask Dr. Nguyen or Mrs. García.", ["Nguyen", "García"]),
    ("J. R. Hartley met Maria T. Gonzalez.", ["J. R. Hartley", "Maria T. Gonzalez"]),
    ("MY NAME IS ROBERT JOHNSON", ["ROBERT JOHNSON"]),
    ("hey can you tell jessica that mike is late", ["jessica", "mike"]),
    ("Where is Fatima's laptop?", ["Fatima"]),
    ("From: Wei Zhang\nTo: Anna Kowalska\nSubject: invoice", ["Wei Zhang", "Anna Kowalska"]),
    ('"I don\'t know," said Thompson.', ["Thompson"]),
    ('{"first_name": "Aoife", "last_name": "Byrne"}', ["Aoife", "Byrne"]),
    ("id,name,city\n1,Ingrid Nilsen,Oslo\n2,Kwame Boateng,Accra", ["Ingrid Nilsen", "Kwame Boateng"]),
    ("| Name | Age |\n| --- | --- |\n| Yuki Tanaka | 41 |", ["Yuki Tanaka"]),
    ("Attendees: Liam, Sofia, Chidi and Hans Müller", ["Liam", "Sofia", "Chidi", "Hans Müller"]),
    ("Best regards,\nAlexandra Papadopoulos\nHead of Sales", ["Alexandra Papadopoulos"]),
    ("customer_name: Rajesh Kumar", ["Rajesh Kumar"]),
    ("[10:42] Svetlana: ok, see you", ["Svetlana"]),
]
ADDRESSES = [
    "Ship it to 1600 Amphitheatre Parkway, Mountain View, CA 94043 please",
    "I live at 42 Wallaby Way, Sydney NSW 2000.",
    "Nous habitons 8 rue Victor Hugo, 75016 Paris.",
    "my address is 221 elm street apt 4b",
]
LEFT_ALONE = [
    "",
    "What is the capital of France?",
    "Deploy Django with Docker and monitor it by Monday.",
    "def get_name(self):\n    return self.user.name\n\nclass Julia(Base):\n    ruby = Perl()",
    "from flask import Flask\napp = Flask(__name__)\n\n@app.route('/')\ndef hello():\n    return 'Hello'",
    "## Getting Started\n\n1. Install Python\n2. Run `pip install requests`",
    "2024-05-01 12:00:01 INFO  com.example.OrderService - Order 4411 shipped",
    "Explain Dijkstra's algorithm and the Fourier transform.",
    "Will you mark the invoice as paid in May?",
    "THE SERVER IS DOWN. PLEASE RESTART KUBERNETES.",
    "Compare the iPhone 15 with the Galaxy S24.",
    "SELECT city, COUNT(*) FROM orders GROUP BY city ORDER BY 2 DESC LIMIT 10;",
    "Dear Customer Service Team, thank you for your help.",
    "how do i reset my password",
    "<PERSON_1> wrote to <PERSON_2> about <STREET_ADDRESS_1>.",
]


@pytest.fixture(scope="module")
def tagger():
    return Tagger(find_model("tagger"), TOKENIZER, ALL)


@pytest.fixture(scope="module")
def finder():
    finder = PresidioFinder(PiiSettings())
    finder.warm()
    return finder


def test_it_finds_what_it_found_when_it_was_exported(tagger):
    golden = json.loads((find_model("tagger").folder / "golden.json").read_text())

    for row in golden:
        found = [(span.start, span.end, span.entity_type, span.score) for span in tagger.find(row["text"])]
        assert [(*place, pytest.approx(score, abs=0.02)) for *place, score in row["found"]] == found


@pytest.mark.parametrize(("text", "names"), NAMES)
def test_names_are_found(finder, text, names):
    found = finder.find(text)

    assert names == [text[span.start : span.end] for span in found if span.entity_type == "PERSON"]


@pytest.mark.parametrize("text", ADDRESSES)
def test_addresses_are_found(finder, text):
    assert ["STREET_ADDRESS"] == [span.entity_type for span in finder.find(text)]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_only_looks_like_names_is_left_alone(finder, text):
    assert () == finder.find(text)


def test_places_and_organizations_are_found_where_they_are_wanted(tagger):
    text = "Siemens opened an office in Lisbon."

    assert [("Siemens", "ORGANIZATION"), ("Lisbon", "LOCATION")] == [
        (text[span.start : span.end], span.entity_type) for span in tagger.find(text)
    ]


def test_a_name_inside_an_email_address_is_part_of_the_address(finder):
    assert ["EMAIL_ADDRESS"] == [span.entity_type for span in finder.find("mail maria.gonzalez@example.com")]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Ann Lee ann.lee@example.com", ["PERSON", "EMAIL_ADDRESS"]),
        ("grep ann.lee@example.com notes.txt", ["EMAIL_ADDRESS"]),
        ('{"cmd": "grep ann.lee@example.com notes.txt"}', ["EMAIL_ADDRESS"]),
        ("Co-Authored-By: Claude <noreply@anthropic.com>", ["EMAIL_ADDRESS"]),
    ],
)
def test_what_stands_beside_an_address_is_a_value_of_its_own(finder, text, kinds):
    assert kinds == [span.entity_type for span in finder.find(text)]


def test_a_long_text_is_read_as_its_parts_are(tagger):
    """Reading goes in windows; offsets and findings do not depend on where one begins."""
    line = "Yesterday Priyanka Deshmukh called about the order, and nobody answered her for an hour.\n\n"
    count = 400
    spans = tagger.find(line * count)

    assert [(at * len(line) + 10, at * len(line) + 27) for at in range(count)] == [
        (span.start, span.end) for span in spans
    ]


def test_windows_give_every_word_once_with_its_neighbours():
    text = " ".join(f"word{number}" for number in range(500))
    whole = tagger_words.split(text)
    parts = list(tagger_words.windows(text, 800, 8))

    assert whole.texts == [word for part in parts for word in part.words.texts[part.begin : part.end]]
    assert whole.gaps == [gap for part in parts for gap in part.words.gaps[part.begin : part.end]]
    assert all(part.begin == 8 for part in parts[1:])
    assert all(len(part.words.texts) - part.end == 8 for part in parts[:-1])


@pytest.mark.parametrize(
    "text", ["\ud800 Ann \udfff", "İİ Ann", "a" * 100_000, "\0\n\t", "。" * 5000, "Ann\u0301 Lee", "王小明"]
)
def test_odd_texts_do_no_harm(tagger, text):
    assert all(0 <= span.start < span.end <= len(text) for span in tagger.find(text))


def test_a_damaged_file_is_never_loaded(tmp_path):
    folder = shutil.copytree(find_model("tagger").folder, tmp_path / "tagger")
    with (folder / "words.npz").open("ab") as file:
        file.write(b"\0")

    with pytest.raises(ModelUnavailable, match=r"words\.npz is damaged"):
        Tagger(read_manifest(folder), TOKENIZER, ALL)


def test_strict_takes_lower_scores_unless_a_threshold_says_otherwise():
    strict = PiiSettings(strict=True, thresholds={"STREET_ADDRESS": 0.8})

    assert 0.3 == strict.threshold_of("PERSON") < PiiSettings().threshold_of("PERSON")
    assert 0.8 == strict.threshold_of("STREET_ADDRESS")
    assert 0.0 == strict.threshold_of("EMAIL_ADDRESS")
