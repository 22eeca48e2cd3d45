"""From the rounds to the table; no figure in it comes from anywhere else."""

from statistics import median

# Others that keep more than this share of a processor busy spoil a measurement.
QUIET = 0.1

HEADINGS = (
    "row", "beside", "unit", "ours: min / median / max", "other: min / median / max", "ratio", "per round", "target",
    "")


def summary(values):
    return {"minimum": min(values), "median": median(values), "maximum": max(values)}


def comparisons(row, measured):
    """One comparison per peer: ours, theirs, ratio of the medians, smallest and largest ratio of a round."""
    ours = values(row, measured, "captcha-cli")
    if not ours:
        return []
    if not row.peers:
        value = summary(ours)
        return [{
            "beside": None, "ours": value, "target": row.target,
            "reached": reached(row, value["median"], row.target)}]
    result = []
    for peer in row.peers:
        theirs = values(row, measured, peer.label)
        if theirs:
            ratios = [mine / its for mine, its in zip(ours, theirs)]
            ratio = median(ours) / median(theirs)
            result.append({
                "beside": peer.label, "ours": summary(ours), "theirs": summary(theirs), "ratio": ratio,
                "ratio_minimum": min(ratios), "ratio_maximum": max(ratios), "target": peer.target,
                "reached": reached(row, ratio, peer.target)})
    return result


def values(row, measured, label):
    return [result[row.metric.key] for result in measured["rounds"].get(label, []) if row.metric.key in result]


def reached(row, value, target):
    if target is None:
        return None
    return value >= target if row.metric.larger else value <= target


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}"


def triple(values):
    return " / ".join(number(values[key]) for key in ("minimum", "median", "maximum"))


def table_rows(document):
    from rows import ROWS

    for name, measured in document["rows"].items():
        row = ROWS[name]
        sign = "≥" if row.metric.larger else "≤"
        for each in measured["comparisons"]:
            target, mark = "", ""
            if each["target"] is not None:
                target, mark = f"{sign} {each['target']:g}", "reached" if each["reached"] else "missed"
            compared = "ratio" in each
            yield (
                name, each["beside"] or "", row.metric.unit, triple(each["ours"]),
                triple(each["theirs"]) if compared else "", f"{each['ratio']:.2f}" if compared else "",
                f"{each['ratio_minimum']:.2f} to {each['ratio_maximum']:.2f}" if compared else "", target, mark)
        for label, message in measured["failures"].items():
            yield (name, label, "", "FAILED: " + message, "", "", "", "", "")


def lines(document):
    processor = document["processor"]
    yield (f"{processor['name']}, {processor['cores']} cores, kernel {document['kernel']}, "
           f"{document['threads']} threads, {document['rounds']} rounds of {document['seconds']:g} s, "
           f"{document['date']}, {document['revision']}")
    yield from versions(document)
    yield ""
    rows = [HEADINGS, *table_rows(document)]
    # A message of a failure may be long; the other columns keep their width.
    widths = [max(len(row[column]) for row in rows if "FAILED" not in row[3]) for column in range(len(HEADINGS))]
    for row in rows:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip()
    yield from warnings(document)


def versions(document):
    seen = []
    for measured in document["rows"].values():
        for about in measured["versions"].values():
            if "version" in about and about["version"] not in seen:
                seen.append(about["version"])
    if seen:
        yield "beside: " + ", ".join(seen)


def warnings(document):
    results = [
        (name, label, result) for name, measured in document["rows"].items()
        for label, each in measured["rounds"].items() for result in each]
    disturbed = [result["processors_used_by_others"] for _, _, result in results
                 if result["processors_used_by_others"] > QUIET]
    if disturbed:
        yield ""
        yield (f"warning: during {len(disturbed)} of {len(results)} measurements other programs kept up to "
               f"{max(disturbed):.2f} processors busy; repeat on a quiet machine")
    cores = document["processor"]["cores"] or 0
    if document["threads"] > cores:
        yield f"warning: {document['threads']} threads on {cores} cores"
    for text in document["setup_failures"]:
        yield f"FAILED: {text}"
