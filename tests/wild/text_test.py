"""Reading a page that is drawn here: where text is, which way up it stands, what it says, by PP-OCR's networks."""

import numpy
from PIL import Image, ImageDraw, ImageFont

from harness import expect, main
from wild import Model, by_command_line, compare, server

PAGE = [["Open", "Runtime"], ["inference", "with", "every", "device"], ["page", "42", "of", "1865"],
        ["Zurich,", "Geneva"], ["hello", "world"]]
HEIGHT = 48  # of a line that is read
MULTIPLE = 32  # of the extents of what text is looked for in


def draw(words, size=34, line=80, gap=90):
    """A page of lines of words, the words far apart: each is a piece of text of its own."""
    font = ImageFont.load_default(size)
    page = Image.new("RGB", (960, -(-(line * len(words) + 64) // MULTIPLE) * MULTIPLE), "white")
    pen = ImageDraw.Draw(page)
    for row, line_words in enumerate(words):
        at = 48
        for word in line_words:
            pen.text((at, 48 + row * line), word, fill="black", font=font)
            at += pen.textlength(word, font=font) + gap
    return page


def tensor(picture):
    """[1, 3, height, width] in -1 to 1, blue first, as the networks were trained."""
    pixels = numpy.asarray(picture, "f4")[:, :, ::-1]
    return numpy.ascontiguousarray(((pixels / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None])


def components(mask):
    """Boxes (left, top, right, bottom) of what hangs together: each spot takes the highest number around it."""
    labels = numpy.where(mask, numpy.arange(1, mask.size + 1).reshape(mask.shape), 0)
    while True:
        padded = numpy.pad(labels, 1)
        grown = numpy.where(mask, numpy.max([padded[1 + y : 1 + y + mask.shape[0], 1 + x : 1 + x + mask.shape[1]]
                                             for y in (-1, 0, 1) for x in (-1, 0, 1)], axis=0), 0)
        if (grown == labels).all():
            break
        labels = grown
    for label in numpy.unique(labels[mask]):
        rows, columns = numpy.nonzero(labels == label)
        yield columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def boxes(chances):
    """Boxes of text in the order of reading; the network marks the core of a text, which is smaller than it is."""
    found = []
    for left, top, right, bottom in components(chances > 0.3):
        width, height = right - left, bottom - top
        if width < 4 or height < 4:
            continue
        grow = 1.6 * width * height / (2 * (width + height))
        found.append((left - grow, top - grow, right + grow, bottom + grow))
    return sorted(found, key=lambda box: (round((box[1] + box[3]) / 160), box[0]))


def line_of(picture, width=None):
    """Of the height that is read, its width by its proportions, or padded to `width`."""
    own = max(16, round(HEIGHT * picture.width / picture.height))
    values = tensor(picture.resize((min(own, width or own), HEIGHT), Image.BILINEAR))
    return values if width is None else numpy.pad(values, ((0, 0),) * 3 + ((0, width - values.shape[3]),))


def characters(model):
    listed = model.peer.get_modelmeta().custom_metadata_map["character"].splitlines()
    return ["", *listed, " "]  # 0 stands between two characters


def decode(scores, alphabet):
    best = scores.argmax(axis=1)
    return "".join(alphabet[one] for at, one in enumerate(best) if one != 0 and (at == 0 or best[at - 1] != one))


def read(models, page):
    detect, angle, recognise = models
    (chances,) = detect(x=tensor(page))
    alphabet = characters(recognise)
    words = []
    for box in boxes(chances[0, 0]):
        piece = page.crop(tuple(round(float(edge)) for edge in box))
        (turned,) = angle(x=line_of(piece, 192))
        if turned[0, 1] > 0.9:
            piece = piece.rotate(180)
        (scores,) = recognise(x=line_of(piece))
        words.append(decode(scores[0], alphabet))
    return words


def a_page_comes_out_as_its_words():
    with server() as asked:
        models = [Model(asked, name) for name in ("detect", "angle", "recognise")]
        page = draw(PAGE)
        wanted = [word for line in PAGE for word in line]
        words = read(models, page)
        expect(words == wanted, f"read {words}")
        turned = read(models, page.rotate(180))
        expect(sorted(turned) == sorted(wanted), f"upside down it read {turned}")
        print("\n".join(model.told() for model in models))


def every_size_agrees():
    with server() as asked:
        random = numpy.random.default_rng(11)
        page = draw(PAGE)
        detect, angle, recognise = (Model(asked, name) for name in ("detect", "angle", "recognise"))
        for width, height in ((32, 32), (96, 64), (480, 320), (64, 416)):
            detect(x=tensor(page.resize((width, height))))
        for batch, width in ((1, 8), (1, 100), (3, 320), (2, 517)):
            recognise(x=random.uniform(-1, 1, (batch, 3, HEIGHT, width)).astype("f4"))
        for batch in (1, 2, 5):
            angle(x=random.uniform(-1, 1, (batch, 3, HEIGHT, 192)).astype("f4"))
        print("\n".join(model.told() for model in (detect, angle, recognise)))


def the_command_line_reads_a_word():
    word = draw([["Runtime"]]).crop((40, 40, 220, 100))
    model = Model(None, "recognise")
    values = line_of(word)
    (scores,) = by_command_line("recognise", x=values).values()
    compare("recognise", scores, model.peer.run(None, {"x": values})[0])
    expect(decode(scores[0], characters(model)) == "Runtime", decode(scores[0], characters(model)))


if __name__ == "__main__":
    main([a_page_comes_out_as_its_words, every_size_agrees, the_command_line_reads_a_word])
