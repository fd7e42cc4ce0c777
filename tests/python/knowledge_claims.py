"""What an entry of a knowledge file claims, against an observation.

    contradictions(rule, observe(random.shuffle, [items]))    # [] or "changes `0`, which is not said"

A claim may say more than happens on one call; what happens must be said.
"""

OF_SELF = {"self", "elements", "inside", "copy", "modules", "contained", "contained_in", "keys", "keys:source", "items:source",
           "through", "enumerated", "zipped", "mapped", "filtered", "yielded", "flattened", "grouped", "called"}  # fmt: skip
OF_ARGUMENTS = {"args", "operator", "class", "called_back"}


def said(entries, place):
    """Whether a list of places covers one."""
    plain = {entry.split("?")[0].rstrip("*~!") for entry in entries}
    plain = {entry.removeprefix("graph_of:") for entry in plain} | ({"self"} if "graph" in plain else set())
    if place == "self":
        return "self" in plain
    keyword = place.startswith("kw:")
    by_index = keyword and any(entry.isdigit() for entry in plain)
    return place in plain or "args" in plain or by_index or (keyword and "keywords" in plain)


def results_of(rule):
    return rule.get("returns", []) + rule.get("variant", {}).get("returns", [])


def handed_on(rule, place):
    """Whether `returns` says that a result may lead to this place."""
    for text in results_of(rule):
        text = text.removeprefix("named:")
        word, _, rest = text.partition(":")
        if word in ("iterated", "inside", "tensors") and said([rest], place):
            return True
        if word == "parts" and said([rest.partition(":")[2] or "self"], place):
            return True
        if place == "self" and (text in OF_SELF or word in ("inner", "argument")):
            return True
        if place != "self" and (text in OF_ARGUMENTS or said([text], place) or (text == "copied" and place == "0")):
            return True
    return False


def kept(rule, place):
    keeps = rule.get("keeps", []) + rule.get("elements", []) + rule.get("shares", [])
    return said(["self" if entry == "values" else entry for entry in keeps], place)


def drawn(rule, seen, place):
    """Whether an argument only gives its items, as the claim says: iteration is a rule of the language."""
    iterated = [text.partition(":")[2] for text in results_of(rule) if text.startswith("iterated:")]
    sources = rule.get("elements", []) + rule.get("stores_elements", []) + iterated + ["args"] * ("operator" in results_of(rule))
    return place in seen.consumed and said(sources, place)


def contradictions(rule, seen):
    """What happened and is not said."""
    wrong = [f"changes `{place}`" for place in sorted(seen.changed) if not said(rule.get("mutates", []), place) and not drawn(rule, seen, place)]
    deep = {entry.split("?")[0] for entry in rule.get("mutates", []) if entry.split("?")[0].endswith(("*", "~"))}
    wrong += [f"changes what `{place}` holds" for place in sorted(seen.deep) if not said(deep, place)]
    given = any("mutates" in rule and said(rule["mutates"], place) for place in seen.changed)
    wrong += [f"moves the generator of {name}" for name in sorted(seen.moved) if name not in rule.get("rng", []) and not given]
    through = {place for owner, place in seen.stored if handed_on(rule, owner)}
    for place, how in sorted(seen.shared.items()):
        if handed_on(rule, place) or kept(rule, place) or place in through:
            continue
        if how - {"graph"}:
            wrong.append(f"its result shares ({', '.join(sorted(how))}) with `{place}`")
        elif "graph" in how and not said(rule.get("graph", []), place):
            wrong.append(f"its result is computed from `{place}`")
    if seen.fresh and all(text == "scalar" for text in results_of(rule)):
        wrong.append("its result can be changed")
    if seen.wants_grad and (rule.get("leaf") or rule.get("graph")) and not rule.get("wants_grad"):
        wrong.append("its result takes a gradient")
    for owner, place in sorted(seen.stored):
        into = rule.get("into", "self")
        stores = rule.get("stores", []) + rule.get("stores_elements", [])
        mutates_deep = any(entry.endswith("*") and said([entry], owner) for entry in rule.get("mutates", []))
        if not (said([into], owner) and said(stores, place)) and not (mutates_deep and rule.get("opaque")):
            wrong.append(f"`{owner}` holds `{place}` afterwards")
    return wrong
