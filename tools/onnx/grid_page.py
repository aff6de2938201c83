def text(cells):
    return ""
