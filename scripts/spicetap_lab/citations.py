# SPDX-License-Identifier: GPL-2.0-or-later
"""Do the numbers that a page cites stand where it says?

A citation is a reference to a sentence of `spicetap explain` in brackets, with the runs that it is taken from before it
in the same sentence, beside it in the brackets, or in the first cell of a table's row:

    2 of 299 calls in debian13-kms-video-1 and 42 of 585 in debian13-kms-video-2 (`e0.8`)
    2 of 299 calls (debian13-kms-video-1 `e0.8`)
    | debian13-kms-video-1 | 2 of 299 (`e0.8`) |

Each "N of M" before it must have N in the sentence of that reference in explain.txt of one of these runs, and M
anywhere in that explain.txt. Where there are as many pairs as runs, the first pair is of the first run, and so on. A
citation that names no run is not checked.
"""

import os
import re

from . import read_text, store

REFERENCE = r"[a-z]\d+(?:\.\d+)?"
CITED = re.compile(rf"\(([^()`]*)((?:`{REFERENCE}`(?:, | and )?)+)([^()`]*)\)")
PAIR = re.compile(r"(?<![\w.])(\d[\d,]*) of (\d[\d,]*)(?![\w,.]?\d)")


def plain(text):
    """Links become their words; lines of a paragraph become one."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"\s+", " ", text)


def runs_in(text, known):
    """The runs that a text names, in order: `005b-1 to -5`, `16a-1, -2 and -3` name all of them."""
    found = []
    rows = sorted({run.rsplit("-", 1)[0] for run in known}, key=len, reverse=True)
    names = "|".join(map(re.escape, rows))
    named = rf"(?<![\w/-])({names})-(\d+)((?:(?:, | and | to )-\d+)*)(?![\w-])"
    for match in re.finditer(named, text) if names else ():
        name, numbers = match.group(1), [int(match.group(2))]
        for joint, number in re.findall(r"(, | and | to )-(\d+)", match.group(3)):
            begin = numbers[-1] + 1 if joint == " to " else int(number)
            numbers += range(begin, int(number) + 1)
        found += [f"{name}-{n}" for n in numbers]
    return [run for run in dict.fromkeys(found) if run in known]


def sentences(explain):
    """{reference: its sentence} of an explain.txt."""
    parts = re.split(rf"^ *\[({REFERENCE})\] ", explain, flags=re.M)
    return dict(zip(parts[1::2], map(plain, parts[2::2]), strict=True))


def numbers(text):
    return {n.replace(",", "") for n in re.findall(r"\d[\d,]*(?:\.\d+)?", text)}


def wrong(pair, references, run, folder):
    """What of a pair does not stand in that run's explain.txt; "" if all does."""
    explain = read_text(os.path.join(folder, store.path_of(run), "explain.txt"))
    said = sentences(explain)
    part, whole = (n.replace(",", "") for n in pair)
    cited = " ".join(said.get(r, "") for r in references)
    if part not in numbers(cited):
        return f"{part} is not in it: {cited[:100] or 'there is no such sentence'}"
    return "" if whole in numbers(plain(explain)) else f"{whole} is nowhere in {run}/explain.txt"


def sentences_of(text):
    """(a sentence, where else its run may be named) of a page. In a table that is the row's first cell."""
    for paragraph in re.split(r"\n\s*\n|\n(?=[|#-])", text):
        cells = plain(paragraph).strip("| ").split("|") if paragraph.startswith("|") else [plain(paragraph)]
        for cell in cells:
            for sentence in re.split(r"(?<=[.:;])\s+(?=[A-Z*`\[])", cell):
                yield sentence, cells[0] if len(cells) > 1 else ""


def claims(text):
    """(the words before a citation, where else its run may be named, its references)"""
    for sentence, head in sentences_of(text):
        begin = 0
        for cited in CITED.finditer(sentence):
            references = re.findall(REFERENCE, cited.group(2))
            yield sentence[begin:cited.start()], (cited.group(1) + cited.group(3), head), references
            begin = cited.end()


def runs_of(folder):
    """The runs that can be cited: ROW-N, and those of a batch as BATCH/ROW-BLOCK."""
    of_batches = os.path.join(folder, store.BATCHES)
    known = set(store.folders(folder))
    for name in store.folders(of_batches):
        known |= {f"{name}/{run}" for run in store.folders(os.path.join(of_batches, name))}
    return known


def check(text, folder):
    """A line for each citation whose number is not where the page says."""
    known = runs_of(folder)
    for words, (beside, head), references in claims(text):
        pairs = PAIR.findall(words)
        runs = runs_in(beside, known) or runs_in(words, known) or runs_in(head, known)
        for n, pair in enumerate(pairs if runs else ()):
            of_pair = [runs[n]] if len(runs) == len(pairs) else runs
            found = [wrong(pair, references, run, folder) for run in of_pair]
            if all(found):
                yield f"{pair[0]} of {pair[1]} ({', '.join(references)} of {', '.join(of_pair)}): {found[0]}"
